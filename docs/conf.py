"""Sphinx's settings. `make docs` builds the pages, with warnings as errors and without the network."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]

project = "item2vec"
author = "The item2vec developers"
project_copyright = author
release = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "item2vec_reference"]
exclude_patterns = ["_build"]
templates_path: list[str] = []

myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
smartquotes_action = "D"  # the dashes of parameter lists alone; quotes and dots stay as they are written
default_role = "literal"  # docstrings write names in single backquotes
highlight_language = "none"

autodoc_typehints = "none"  # the docstrings give the types
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_title = f"item2vec {release}"
html_copy_source = False
html_show_sourcelink = False
