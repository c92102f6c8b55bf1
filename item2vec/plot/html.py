"""A map as one page that needs nothing else: no network, no server, no library.

Its parts are in ``page/``: the frame, the style, and scripts that are put end to end. The map's numbers are base64 in
a JSON element that no browser runs; ``<`` is escaped in it, so that no item can end it. A content security policy lets
run only the script whose hash it names, and load nothing, so that even a mistake here could not run an item's name.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.files.atomic import atomic_path
from item2vec.plot.colouring import Colouring
from item2vec.plot.map import MapData
from item2vec.vectors.keyed_vectors import KeyedVectors

SCRIPTS = (
    "data.js",
    "theme.js",
    "camera.js",
    "labels.js",
    "drawing.js",
    "panel.js",
    "search.js",
    "controls.js",
    "main.js",
)
NONE = 0xFFFFFFFF


def write_page(
    drawn: MapData,
    near: tuple[NDArray[np.int64], NDArray[np.float64]],
    model: KeyedVectors,
    path: str | os.PathLike[str],
    theme: str,
) -> None:
    """Write the page; it appears whole or not at all.

    Parameters
    ----------
    drawn : MapData
    near : rows int64 [N, K] and cosines float64 [N, K]
        Neighbours in the whole model.
    model : KeyedVectors
        For the names of neighbours that are not on the map.
    path : path-like
    theme : {"auto", "light", "dark"}

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    script = '"use strict";\n(() => {\n' + "\n".join(_part(name) for name in SCRIPTS) + "\n})();\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps(_document(drawn, near, model), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Half a surrogate pair cannot be written, and < could begin a tag; both are the same text escaped.
    data = data.replace("<", "\\u003c").encode("utf-8", "backslashreplace").decode()
    parts = {
        "POLICY": f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'",
        "TITLE": html.escape(drawn.title),
        "THEME": "" if theme == "auto" else f' data-theme="{theme}"',
        "STYLE": _part("style.css"),
        "SCRIPT": script,
        "DATA": data,
    }
    page = re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], _part("page.html"))
    with atomic_path(path) as temporary:
        temporary.write_bytes(page.encode("utf-8", "replace"))


def _part(name: str) -> str:
    """Return a file of the page."""
    return (files("item2vec.plot") / "page" / name).read_text(encoding="utf-8")


def _document(
    drawn: MapData, near: tuple[NDArray[np.int64], NDArray[np.float64]], model: KeyedVectors
) -> dict[str, Any]:
    """Return what the page knows."""
    rows, cosines = near
    # Neighbours are numbers of items on the map, and from N on of those that are only named.
    place = np.full(len(model), -1, np.int64)
    place[drawn.ids] = np.arange(len(drawn.ids))
    elsewhere = np.unique(rows[(rows >= 0) & (place[rows] < 0)])
    place[elsewhere] = len(drawn.ids) + np.arange(len(elsewhere))
    linked = np.where(rows < 0, NONE, place[rows])
    return {
        "title": drawn.title,
        "about": drawn.about,
        "items": drawn.items,
        "names": drawn.names,
        "elsewhere": [_called(model, row) for row in elsewhere.tolist()],
        "counts": drawn.counts.tolist() if drawn.counts.any() else None,
        "places": _base64(drawn.places, "<f4"),
        "neighbours": {
            "each": rows.shape[1],
            "items": _base64(linked, "<u4"),
            "cosines": _base64(np.round(np.clip(np.where(rows < 0, 0, cosines), -1, 1) * 1000), "<i2"),
        },
        "colour": _colour(drawn.colouring),
    }


def _called(model: KeyedVectors, row: int) -> str:
    """Return an item's display name, or else the item."""
    return (model.names[row] if model.names is not None else None) or model.vocabulary[row]


def _colour(colouring: Colouring) -> dict[str, Any]:
    """Return the colouring as JSON."""
    return {
        "kind": colouring.kind,
        "title": colouring.title,
        "labels": colouring.labels,
        "rest": colouring.rest,
        "values": _base64(colouring.values, "<f4"),
    }


def _base64(numbers: NDArray[Any], kind: str) -> str:
    """Numbers as base64 of their bytes."""
    return base64.b64encode(np.ascontiguousarray(numbers.astype(kind)).tobytes()).decode()
