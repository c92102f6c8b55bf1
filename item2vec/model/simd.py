"""Explicit vectors for numba: a value type of LANES float32 numbers and the few operations that the kernels need.

numba leaves vectorising to LLVM's loop vectoriser, which does not keep a block of accumulators in registers. Here a
numba type whose data model is LLVM's ``<LANES x float>`` lets a kernel in plain numba say so. LANES is what one
register of the host holds (16 with AVX-512, 8 with AVX2, else 4).

Pointers are numba's ``CPointer``: ``ptr(array)`` takes an array's data pointer, ``at(p, i)`` moves it by i elements.
Nothing here checks bounds or wraps negative indices; wrappers check, kernels trust.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model


def _host_lanes() -> int:
    """Float32 numbers in one vector register of this machine."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 4


LANES = _host_lanes()
_I32 = ir.IntType(32)
_F32 = ir.FloatType()
_BYTES = ir.IntType(8).as_pointer()
_VECTOR = ir.VectorType(_F32, LANES)
_INTEGERS = ir.VectorType(_I32, LANES)


class Vector(types.Type):  # type: ignore[misc]
    """Numba type of LANES float32 numbers in one register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


def _mask(lanes: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, _I32(0))
    return builder.shuffle_vector(one, undefined, _mask([0] * LANES))


def _call(builder: Any, name: str, args: Any) -> Any:
    """Call the LLVM intrinsic ``name`` on vectors."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), args)


@intrinsic
def ptr(typingctx: Any, array: Any) -> Any:
    """Pointer to the first element of an array."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def at(typingctx: Any, p: Any, i: Any) -> Any:
    """Return the pointer p moved by i elements."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return p(p, types.intp), codegen


@intrinsic
def get(typingctx: Any, p: Any) -> Any:
    """Return the element at p."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(args[0])

    return p.dtype(p), codegen


@intrinsic
def put(typingctx: Any, p: Any, value: Any) -> Any:
    """Store value, of p's own type, at p."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[1], args[0])
        return context.get_dummy_value()

    return types.void(p, p.dtype), codegen


@intrinsic
def load(typingctx: Any, p: Any) -> Any:
    """Return the vector at p, at any alignment."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(builder.bitcast(args[0], _VECTOR.as_pointer()), align=4)

    return vector(p), codegen


@intrinsic
def store(typingctx: Any, p: Any, v: Any) -> Any:
    """Store the vector v at p, at any alignment."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[1], builder.bitcast(args[0], _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(p, v), codegen


@intrinsic
def spread(typingctx: Any, p: Any) -> Any:
    """Return the number at p in every lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, builder.load(args[0], align=4))

    return vector(p), codegen


@intrinsic
def splat(typingctx: Any, x: Any) -> Any:
    """Return the float32 x in every lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0])

    return vector(types.float32), codegen


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a·b + c, rounded once."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fma", args)

    return vector(vector, vector, vector), codegen


@intrinsic
def add(typingctx: Any, a: Any, b: Any) -> Any:
    """Return a + b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fadd(*args)

    return vector(vector, vector), codegen


@intrinsic
def sub(typingctx: Any, a: Any, b: Any) -> Any:
    """Return a - b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fsub(*args)

    return vector(vector, vector), codegen


@intrinsic
def mul(typingctx: Any, a: Any, b: Any) -> Any:
    """Return a·b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fmul(*args)

    return vector(vector, vector), codegen


@intrinsic
def div(typingctx: Any, a: Any, b: Any) -> Any:
    """Return a / b."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fdiv(*args)

    return vector(vector, vector), codegen


@intrinsic
def absolute(typingctx: Any, a: Any) -> Any:
    """Return |a|."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fabs", args)

    return vector(vector), codegen


@intrinsic
def nearest(typingctx: Any, a: Any) -> Any:
    """Return a rounded to the nearest whole number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "rint", args)

    return vector(vector), codegen


@intrinsic
def larger(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the larger of a and b, lane by lane; the other one where one is NaN."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "maxnum", args)

    return vector(vector, vector), codegen


@intrinsic
def where_negative(typingctx: Any, x: Any, a: Any, b: Any) -> Any:
    """Return a in the lanes where x < 0, b in the others."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        below = builder.fcmp_ordered("<", args[0], ir.Constant(_VECTOR, [0.0] * LANES))
        return builder.select(below, args[1], args[2])

    return vector(vector, vector, vector), codegen


@intrinsic
def power_of_two(typingctx: Any, a: Any) -> Any:
    """Return 2**a for whole numbers a in -127..127, with 2**-127 taken as exactly 0."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        exponent = builder.add(builder.fptosi(args[0], _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
        return builder.bitcast(builder.shl(exponent, ir.Constant(_INTEGERS, [23] * LANES)), _VECTOR)

    return vector(vector), codegen


@intrinsic
def total(typingctx: Any, a: Any) -> Any:
    """Return the sum of the lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_F32, [_F32, _VECTOR])
        name = f"llvm.vector.reduce.fadd.v{LANES}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [ir.Constant(_F32, 0.0), args[0]], fastmath=("reassoc",))

    return types.float32(vector), codegen


def _quarters(pattern: list[int]) -> list[int]:
    """Repeat a pattern over four lanes (0-3 of the first operand, 4-7 of the second) in every group of four."""
    return [group + (lane if lane < 4 else lane - 4 + LANES) for group in range(0, LANES, 4) for lane in pattern]


def _minus_four_totals(builder: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Minus the sums of the lanes of a, b, c, d: a vector of four."""

    def pairs(x: Any, y: Any) -> Any:
        even = builder.shuffle_vector(x, y, _mask(_quarters([0, 2, 4, 6])))
        odd = builder.shuffle_vector(x, y, _mask(_quarters([1, 3, 5, 7])))
        return builder.fadd(even, odd)

    sums = pairs(pairs(a, b), pairs(c, d))  # in each group of four lanes: its part of the four sums
    whole = builder.shuffle_vector(sums, sums, _mask([0, 1, 2, 3]))
    for group in range(4, LANES, 4):
        part = builder.shuffle_vector(sums, sums, _mask([group, group + 1, group + 2, group + 3]))
        whole = builder.fadd(whole, part)
    return builder.fsub(ir.Constant(ir.VectorType(_F32, 4), [0.0] * 4), whole)


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
        eight = builder.shuffle_vector(low, high, _mask(list(range(8))))
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
            rows.append(builder.load(builder.bitcast(source, _VECTOR.as_pointer()), align=4))
            source = builder.gep(source, [row])

        def shuffle(x: Any, y: Any, pattern: list[int]) -> Any:
            return builder.shuffle_vector(x, y, _mask(_quarters(pattern)))

        low01, high01 = shuffle(rows[0], rows[1], [0, 4, 1, 5]), shuffle(rows[0], rows[1], [2, 6, 3, 7])
        low23, high23 = shuffle(rows[2], rows[3], [0, 4, 1, 5]), shuffle(rows[2], rows[3], [2, 6, 3, 7])
        columns = [
            shuffle(low01, low23, [0, 1, 4, 5]),
            shuffle(low01, low23, [2, 3, 6, 7]),
            shuffle(high01, high23, [0, 1, 4, 5]),
            shuffle(high01, high23, [2, 3, 6, 7]),
        ]
        four = ir.VectorType(_F32, 4)
        for group in range(0, LANES, 4):
            for j in range(4):
                quad = builder.shuffle_vector(columns[j], columns[j], _mask([group, group + 1, group + 2, group + 3]))
                builder.store(quad, builder.bitcast(target, four.as_pointer()), align=4)
                target = builder.gep(target, [column])
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp), codegen


@intrinsic
def address(typingctx: Any, p: Any) -> Any:
    """Return the pointer p as a whole number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(p), codegen


@intrinsic
def prefetch(typingctx: Any, where: Any) -> Any:
    """Ask for the cache line at an address."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [builder.inttoptr(args[0], _BYTES), _I32(0), _I32(3), _I32(1)])
        return context.get_dummy_value()

    return types.void(types.int64), codegen
