"""Explicit vectors for numba: registers, pointers, what crosses lanes, σ, and memory that is aligned for them."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from item2vec.kernels import inlined

# Pointers for numba: ``ptr(array)`` takes an array's data pointer, ``at(p, i)`` moves it by i elements.
#
# They are numba's ``CPointer``. Nothing here checks bounds or wraps negative indices; wrappers check, kernels trust.

_I32 = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()


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


# Explicit vectors for numba: a value type of LANES float32 numbers and the few operations that the kernels need.
#
# numba leaves vectorising to LLVM's loop vectoriser, which does not keep a block of accumulators in registers. Here a
# numba type whose data model is LLVM's ``<LANES x float>`` lets a kernel in plain numba say so. LANES is what one
# register of the host holds (16 with AVX-512, 8 with AVX2, else 4).
#
# Here is what works lane by lane; the rest is in `item2vec.model.cpu.simd`. `item2vec.model.cpu.simd` has pointers.


def _host_lanes() -> int:
    """Float32 numbers in one vector register of this machine."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 4


LANES = _host_lanes()
I32 = ir.IntType(32)
F32 = ir.FloatType()
VECTOR = ir.VectorType(F32, LANES)
_INTEGERS = ir.VectorType(I32, LANES)


class Vector(types.Type):  # type: ignore[misc]
    """Numba type of LANES float32 numbers in one register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, VECTOR)


def lane_mask(lanes: list[int]) -> ir.Constant:
    """Lanes of two vectors, counted through, for LLVM's ``shufflevector``."""
    return ir.Constant(ir.VectorType(I32, len(lanes)), lanes)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, I32(0))
    return builder.shuffle_vector(one, undefined, lane_mask([0] * LANES))


def _call(builder: Any, name: str, args: Any) -> Any:
    """Call the LLVM intrinsic ``name`` on vectors."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32"), args)


@intrinsic
def load(typingctx: Any, p: Any) -> Any:
    """Return the vector at p, at any alignment."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(builder.bitcast(args[0], VECTOR.as_pointer()), align=4)

    return vector(p), codegen


@intrinsic
def store(typingctx: Any, p: Any, v: Any) -> Any:
    """Store the vector v at p, at any alignment."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[1], builder.bitcast(args[0], VECTOR.as_pointer()), align=4)
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
        below = builder.fcmp_ordered("<", args[0], ir.Constant(VECTOR, [0.0] * LANES))
        return builder.select(below, args[1], args[2])

    return vector(vector, vector, vector), codegen


@intrinsic
def power_of_two(typingctx: Any, a: Any) -> Any:
    """Return 2**a for whole numbers a in -127..127, with 2**-127 taken as exactly 0."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        exponent = builder.add(builder.fptosi(args[0], _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
        return builder.bitcast(builder.shl(exponent, ir.Constant(_INTEGERS, [23] * LANES)), VECTOR)

    return vector(vector), codegen


# What crosses the lanes of explicit vectors (`item2vec.model.cpu.simd`): sums and transposition.


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


# σ and log(1 + exp) of the numbers in a register, by polynomials.

f32 = np.float32


@inlined
def sigma_softplus(s):
    """Return σ(s) and log(1 + exp(s)) of a vector, to some units in the last place; exactly 0 below -88."""
    one = splat(f32(1.0))
    t = larger(mul(absolute(s), splat(f32(-1.4426950408889634))), splat(f32(-127.0)))
    k = nearest(t)
    f = sub(t, k)
    p = fma(splat(f32(1.5403530e-4)), f, splat(f32(1.3333558e-3)))  # 2**f on -1/2..1/2
    p = fma(p, f, splat(f32(9.6181291e-3)))
    p = fma(p, f, splat(f32(5.5504109e-2)))
    p = fma(p, f, splat(f32(2.4022651e-1)))
    p = fma(p, f, splat(f32(6.9314718e-1)))
    e = mul(fma(p, f, one), power_of_two(k))  # exp(-|s|)
    upper = div(one, add(one, e))
    sigma = where_negative(s, mul(e, upper), upper)
    q = fma(splat(f32(-0.0085746758)), e, splat(f32(0.0442141928)))  # log(1+e)/e on 0..1, to 1.4e-7
    q = fma(q, e, splat(f32(-0.1078536808)))
    q = fma(q, e, splat(f32(0.1775702387)))
    q = fma(q, e, splat(f32(-0.2449961156)))
    q = fma(q, e, splat(f32(0.3327617645)))
    q = fma(q, e, splat(f32(-0.4999744892)))
    q = fma(q, e, splat(f32(0.9999998212)))
    return sigma, fma(q, e, larger(s, splat(f32(0.0))))


NEVER = f32(-1000.0)  # a score whose σ and softplus are exactly 0


def aligned(size: int, dtype: Any = np.float32) -> npt.NDArray[Any]:
    """Zeros [size] that begin on a 64-byte cache line."""
    raw = np.zeros(size * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def padded(size: int, multiple: int = LANES) -> int:
    """Size rounded up to a multiple."""
    return -(-size // multiple) * multiple
