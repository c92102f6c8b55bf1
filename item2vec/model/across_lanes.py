"""What crosses the lanes of explicit vectors (`item2vec.model.simd`): sums and transposition."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from item2vec.model.simd import F32, LANES, VECTOR, lane_mask, vector


@intrinsic
def total(typingctx: Any, a: Any) -> Any:
    """Return the sum of the lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(F32, [F32, VECTOR])
        name = f"llvm.vector.reduce.fadd.v{LANES}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [ir.Constant(F32, 0.0), args[0]], fastmath=("reassoc",))

    return types.float32(vector), codegen


def _quarters(pattern: list[int]) -> list[int]:
    """Repeat a pattern over four lanes (0-3 of the first operand, 4-7 of the second) in every group of four."""
    return [group + (lane if lane < 4 else lane - 4 + LANES) for group in range(0, LANES, 4) for lane in pattern]


def _minus_four_totals(builder: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Minus the sums of the lanes of a, b, c, d: a vector of four."""

    def pairs(x: Any, y: Any) -> Any:
        even = builder.shuffle_vector(x, y, lane_mask(_quarters([0, 2, 4, 6])))
        odd = builder.shuffle_vector(x, y, lane_mask(_quarters([1, 3, 5, 7])))
        return builder.fadd(even, odd)

    sums = pairs(pairs(a, b), pairs(c, d))  # in each group of four lanes: its part of the four sums
    whole = builder.shuffle_vector(sums, sums, lane_mask([0, 1, 2, 3]))
    for group in range(4, LANES, 4):
        part = builder.shuffle_vector(sums, sums, lane_mask([group, group + 1, group + 2, group + 3]))
        whole = builder.fadd(whole, part)
    return builder.fsub(ir.Constant(ir.VectorType(F32, 4), [0.0] * 4), whole)


@intrinsic
def put_four_totals(typingctx: Any, p: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Store minus the sums of the lanes of a, b, c, d at p[0:4]."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        minus = _minus_four_totals(builder, *args[1:])
        builder.store(minus, builder.bitcast(args[0], minus.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(p, vector, vector, vector, vector), codegen


@intrinsic
def put_eight_totals(typingctx: Any, p: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """Store minus the sums of the lanes of eight vectors at p[0:8].

    At once: a register that is loaded from two narrower stores must wait until both have left the store buffer.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        low, high = _minus_four_totals(builder, *args[1:5]), _minus_four_totals(builder, *args[5:9])
        eight = builder.shuffle_vector(low, high, lane_mask(list(range(8))))
        builder.store(eight, builder.bitcast(args[0], eight.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(p, *[vector] * 8), codegen


@intrinsic
def transpose_four(typingctx: Any, source: Any, row: Any, target: Any, column: Any) -> Any:
    """Transpose source[0:4, 0:LANES], rows ``row`` apart, to target[0:LANES, 0:4], rows ``column`` apart."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, row, target, column = args
        rows = []
        for _ in range(4):
            rows.append(builder.load(builder.bitcast(source, VECTOR.as_pointer()), align=4))
            source = builder.gep(source, [row])

        def shuffle(x: Any, y: Any, pattern: list[int]) -> Any:
            return builder.shuffle_vector(x, y, lane_mask(_quarters(pattern)))

        low01, high01 = shuffle(rows[0], rows[1], [0, 4, 1, 5]), shuffle(rows[0], rows[1], [2, 6, 3, 7])
        low23, high23 = shuffle(rows[2], rows[3], [0, 4, 1, 5]), shuffle(rows[2], rows[3], [2, 6, 3, 7])
        columns = [
            shuffle(low01, low23, [0, 1, 4, 5]),
            shuffle(low01, low23, [2, 3, 6, 7]),
            shuffle(high01, high23, [0, 1, 4, 5]),
            shuffle(high01, high23, [2, 3, 6, 7]),
        ]
        four = ir.VectorType(F32, 4)
        for group in range(0, LANES, 4):
            lanes = lane_mask([group, group + 1, group + 2, group + 3])
            for j in range(4):
                quad = builder.shuffle_vector(columns[j], columns[j], lanes)
                builder.store(quad, builder.bitcast(target, four.as_pointer()), align=4)
                target = builder.gep(target, [column])
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp), codegen
