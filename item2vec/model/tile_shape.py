"""Where a tile lies in its batch, and the work space as pointers: what the steps of the tile kernel hand each other."""

from __future__ import annotations

from typing import Any, NamedTuple

from item2vec.model.compiled import kernel
from item2vec.model.micro_kernel import UPDATE_ROWS
from item2vec.model.pointers import at, get, ptr, put
from item2vec.model.tile_scratch import REACH, Scratch, band_width


class Shape(NamedTuple):
    """Of the tables and the negatives: rows ``stride`` apart, ``width`` numbers of a row with its padding."""

    stride: int
    width: int
    dim: int
    negatives: int
    columns: int  # negatives in whole registers


class Batch(NamedTuple):
    """Pointers to the batch's items and windows."""

    items: Any
    start: Any
    stop: Any


class Tile(NamedTuple):
    """The centres first:first+centres of a batch, and the items low:low+rows that their windows reach."""

    first: int
    centres: int
    low: int
    rows: int
    reach: int  # the farthest distance of a context from its centre
    band: int  # width of a line of the band
    shift: int  # row r of the tile stands at line[r - c + shift] of centre c


@kernel
def pointers(scratch):
    """The same work space as pointers: as an argument, an array is seven numbers."""
    return Scratch(
        ptr(scratch.X), ptr(scratch.Y), ptr(scratch.Yt), ptr(scratch.S), ptr(scratch.G), ptr(scratch.B),
        ptr(scratch.row_step), ptr(scratch.column_step), ptr(scratch.mask), ptr(scratch.windows),
        ptr(scratch.skipped), ptr(scratch.input_rows), ptr(scratch.output_rows), ptr(scratch.soon),
        ptr(scratch.seen), ptr(scratch.input_spans), ptr(scratch.output_spans), ptr(scratch.no_spans),
        ptr(scratch.sums), ptr(scratch.keys), ptr(scratch.totals), ptr(scratch.waste)
    )  # fmt: skip


@kernel
def tile_at(batch, begin, end):
    """Where the tile with the centres begin:end of the batch lies."""
    low, high, reach = begin, end, 0
    for c in range(begin, end):
        first, last = get(at(batch.start, c)), get(at(batch.stop, c))
        low, high = min(low, first), max(high, last)
        reach = max(reach, max(c - first, last - 1 - c))
    return Tile(begin, end - begin, low, high - low, reach, band_width(reach), low - begin + reach + REACH)


@kernel
def plan_updates(tile, room):
    """Which centres each block of the tile's items may meet, and which items each block of its centres.

    As far as the farthest window of the tile reaches, though most reach less: loops of one length are predicted.
    """
    lead, reach = tile.first - tile.low, tile.reach
    for r in range(0, tile.rows, UPDATE_ROWS):
        c, end = max(0, r - lead - reach), min(tile.centres, r + UPDATE_ROWS - lead + reach)
        span = at(room.input_spans, 2 * (r // UPDATE_ROWS))
        put(span, c)
        put(at(span, 1), max(c, end))
    for c in range(0, tile.centres, UPDATE_ROWS):
        own = c + lead
        span = at(room.output_spans, 2 * (c // UPDATE_ROWS))
        put(span, max(0, own - reach))
        put(at(span, 1), min(tile.rows, own + UPDATE_ROWS + reach))
