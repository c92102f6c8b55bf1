"""Which version this is."""

from __future__ import annotations

from pathlib import Path


def version() -> str:
    """Return the version: the checkout's if this runs from one, else the installed distribution's."""
    project = Path(__file__).parent.parent / "pyproject.toml"
    if project.is_file():
        import tomllib

        about = tomllib.loads(project.read_text("utf-8")).get("project", {})
        if about.get("name") == "item2vec":
            return str(about["version"])
    from importlib import metadata

    try:
        return metadata.version("item2vec")
    except metadata.PackageNotFoundError:
        return "unknown"
