"""A map as a picture, .png or .svg, by matplotlib."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path
from item2vec.plot.map import MapData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_SIZE = (12.0, 9.0)  # inches
_DOTS = 150  # an inch, of a PNG
_LABELS = 400  # at most: more cannot be read
_HALO = 2.2  # points around letters in the colour of the ground
_LONGEST = 32  # letters of a label
# The colours of the page, see page/style.css.
_LIGHT = {
    "ground": "#fbfbfa",
    "ink": "#1d2126",
    "faint": "#666d75",
    "none": "#a3a8ae",
    "one": "#3b6bc4",
    "categories": "#2f69c4 #d8602a #2b9157 #bb2f76 #8557cc #9c7a0c #0f8fa0 #85593c #d23c3c #66791c #566a94 #c9698f",
    "scale": "#d9a520 #e0704a #c2427f #7a3697 #2b1d66",
}
_DARK = {
    "ground": "#14161a",
    "ink": "#e8eaed",
    "faint": "#9aa2ab",
    "none": "#5d646c",
    "one": "#7ba4f0",
    "categories": "#7aa5f7 #ff9a66 #62cc8d #ff82bd #b79bf5 #e3c04f #4fcbd9 #cda37f #ff7b78 #b6cb58 #a0b2d6 #ffbfd6",
    "scale": "#4b3f9e #8a4bb5 #d65a92 #f3906a #f7d96b",
}


def write_picture(drawn: MapData, path: str | os.PathLike[str], theme: str) -> None:
    """Write a picture; it appears whole or not at all.

    Parameters
    ----------
    drawn : MapData
    path : path-like
        Its ending says which kind.
    theme : {"auto", "light", "dark"}
        "auto" is light.

    Raises
    ------
    ModelError
        If matplotlib is not installed, or the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError("a picture needs matplotlib; install it with: pip install 'item2vec[plot]'") from error
    colours = _DARK if theme == "dark" else _LIGHT
    kind = Path(path).suffix.lower()[1:]
    # Text stays text in an SVG, and the same map gives the same bytes.
    settings = {"svg.fonttype": "none", "svg.hashsalt": "item2vec", "font.family": ["DejaVu Sans", "sans-serif"]}
    with warnings.catch_warnings(), matplotlib.rc_context(settings):
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        figure = Figure(figsize=_SIZE, facecolor=colours["ground"])
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.9))
        _points(axes, drawn, colours)
        _frame(figure, axes, drawn, colours)
        _labels(figure, axes, drawn, colours, halo=kind == "png")
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=kind, dpi=_DOTS, facecolor=colours["ground"], metadata=metadata)
            if kind == "svg":
                _add_halo(temporary, colours["ground"])


def _points(axes: Axes, drawn: MapData, colours: dict[str, str]) -> None:
    """Draw the items, the rarest first, and the legend."""
    count = len(drawn.ids)
    rank = np.arange(count)
    size = (2.0 if count > 8000 else 6.0 if count > 2500 else 12.0) * np.where(rank < count / 100, 2.5, 1.0)
    order = rank[::-1]
    colouring = drawn.colouring
    style: dict[str, Any] = {"s": size[order], "linewidths": 0, "alpha": 0.8, "zorder": 2}
    x, y = drawn.places[order, 0], -drawn.places[order, 1]  # as on the page, where y goes down
    if colouring.kind == "number":
        from matplotlib.colors import LinearSegmentedColormap

        scale = LinearSegmentedColormap.from_list("scale", colours["scale"].split())
        scale.set_bad(colours["none"])
        low, high = np.nanpercentile(colouring.values, [1, 99])
        values = np.ma.masked_invalid(colouring.values[order])
        dots = axes.scatter(x, y, c=values, cmap=scale, vmin=low, vmax=high, plotnonfinite=True, **style)
        bar = axes.figure.colorbar(dots, cax=axes.inset_axes((0.0, 0.01, 0.2, 0.012)), orientation="horizontal")
        bar.outline.set_visible(False)
        if bar.solids is not None:
            bar.solids.set_alpha(1)
        bar.ax.tick_params(labelsize=7, colors=colours["faint"], length=0)
        bar.ax.set_title(colouring.title, fontsize=8, color=colours["faint"], loc="left", parse_math=False)
        bar.ax.xaxis.set_ticks_position("top")
        return
    palette = colours["categories"].split()[: len(colouring.labels)] if colouring.labels else [colours["one"]]
    if colouring.rest:
        palette[-1] = colours["none"]
    numbers = colouring.values[order]
    shades = np.array([*palette, colours["none"]])
    axes.scatter(x, y, c=shades[np.where(np.isnan(numbers), len(palette), numbers).astype(int)], **style)
    for shade, label in zip(palette, colouring.labels, strict=False):
        axes.scatter([], [], c=shade, s=24, linewidths=0, label=_short(label, 60).lstrip("_") or " ")
    if colouring.labels:
        legend = axes.legend(
            title=colouring.title,
            loc="lower left",
            fontsize=7,
            title_fontsize=7.5,
            labelcolor=colours["ink"],
            facecolor=colours["ground"],
            edgecolor="none",
            framealpha=0.85,
            alignment="left",
        )
        legend.get_title().set_color(colours["faint"])
        for text in [legend.get_title(), *legend.get_texts()]:
            text.set_parse_math(False)


def _frame(figure: Figure, axes: Axes, drawn: MapData, colours: dict[str, str]) -> None:
    """Title, limits, and no axes: their numbers mean nothing."""
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.03)
    plain: dict[str, Any] = {"parse_math": False}
    figure.text(0.02, 0.965, drawn.title, fontsize=13, weight="bold", color=colours["ink"], **plain)
    figure.text(0.02, 0.94, drawn.about, fontsize=8.5, color=colours["faint"], **plain)


def _labels(figure: Figure, axes: Axes, drawn: MapData, colours: dict[str, str], *, halo: bool) -> None:
    """Names of the commonest items, none over another or over the legend."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.patheffects import withStroke

    figure.set_dpi(_DOTS)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # Agg's canvas has it
    legend = axes.get_legend()
    taken = [legend.get_window_extent(renderer).extents] if legend is not None else []
    taken += [box.extents for child in axes.child_axes if (box := child.get_tightbbox(renderer)) is not None]
    edge = axes.get_window_extent(renderer).extents
    boxes = np.array(taken).reshape(-1, 4)
    effects = [withStroke(linewidth=_HALO, foreground=colours["ground"])] if halo else []
    drawn_labels = 0
    for index, (x, y) in enumerate(drawn.places[: 20 * _LABELS]):
        text = axes.annotate(
            _short(drawn.shown[index], _LONGEST),
            (x, -y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=colours["ink"],
            path_effects=effects,
            zorder=3,
            parse_math=False,
        )
        left, bottom, right, top = text.get_window_extent(renderer).extents
        over = (left < boxes[:, 2]) & (right > boxes[:, 0]) & (bottom < boxes[:, 3]) & (top > boxes[:, 1])
        if over.any() or left < edge[0] or right > edge[2] or bottom < edge[1] or top > edge[3]:
            text.remove()
            continue
        boxes = np.vstack([boxes, [left - 1, bottom, right + 1, top]])
        drawn_labels += 1
        if drawn_labels == _LABELS:
            break


def _add_halo(path: Path, ground: str) -> None:
    """Give the letters of an SVG a halo by its style: matplotlib's own would make shapes of the letters."""
    style = f"text {{paint-order: stroke; stroke: {ground}; stroke-width: {_HALO}px; stroke-linejoin: round}}"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("</style>", f"\n{style}</style>", 1), encoding="utf-8")


def _short(text: str, longest: int) -> str:
    """Return the text, cut where it is too long."""
    clean = "".join(letter if letter.isprintable() else "·" for letter in text)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
