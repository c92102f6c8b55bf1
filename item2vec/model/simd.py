"""Explicit vectors for numba: a value type of LANES float32 numbers and the few operations that the kernels need.

numba leaves vectorising to LLVM's loop vectoriser, which does not keep a block of accumulators in registers. Here a
numba type whose data model is LLVM's ``<LANES x float>`` lets a kernel in plain numba say so. LANES is what one
register of the host holds (16 with AVX-512, 8 with AVX2, else 4).

Here is what works lane by lane; the rest is in `item2vec.model.across_lanes`. `item2vec.model.pointers` has pointers.
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
