"""What the training kernels say to the processor itself: pointers, vector registers, σ on them, aligned memory.

numba leaves vectorising to LLVM's loop vectoriser, which does not keep a block of accumulators in registers. Its arrays
wrap negative indices, and as arguments they are seven numbers each. So the kernels in this folder are written with two
types and some functions that this module adds to numba:

- `Pointer`: numba's own ``CPointer``. ``ptr(array)`` is the address of an array's first element, ``at(p, i)`` the
  address i elements further, ``get(p)`` and ``put(p, value)`` read and write there. Nothing checks bounds.
- `Vector`: ``LANES`` float32 numbers in one register of this machine. ``load(p)`` and ``store(p, v)`` move it, ``fma``,
  ``add`` and so on compute lane by lane, ``total`` adds the lanes up.

Each such function is an `instruction`: Python that runs while numba *compiles* a kernel, and writes down LLVM
instructions. What it is given then are not numbers but LLVM's names of values that will exist when the kernel runs. Its
annotations say what a kernel passes and gets; there mypy checks them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from item2vec.kernels import inlined

P = ParamSpec("P")
R = TypeVar("R")
Index = int | np.int64
"""A whole number in a kernel; numba has one type for both."""
Buffer = TypeVar("Buffer")
"""What a field of a named tuple of work space is: an array, or within the kernels the pointer to it."""


class Pointer:
    """An address of elements of one dtype, as mypy sees it; to numba it is a ``CPointer``."""


class Vector:
    """LANES float32 numbers in one register, as mypy sees them; to numba they are a `_VectorType`."""


# How an instruction is made.


class Call(NamedTuple):
    """A call of an instruction in a kernel that is being compiled.

    Attributes
    ----------
    builder : llvmlite.ir.IRBuilder
        Appends LLVM instructions to the kernel.
    context : numba.core.cpu.CPUContext
        Knows how numba's types are laid out.
    signature : numba.core.typing.Signature
        numba's types of the result (``return_type``) and of the arguments (``args``).
    """

    builder: Any
    context: Any
    signature: Any


def instruction(typed: Any) -> Callable[[Callable[Concatenate[Call, P], R]], Callable[P, R]]:
    """Make a function that kernels can call of one that writes down the call's LLVM instructions.

    numba compiles a call in two steps. First it wants the call's types, so that it can go on typing the kernel; later
    it wants the code. ``numba.extending.intrinsic`` asks for both at once, as a signature and a function. Here the
    first is the argument of the decorator, the second what is decorated.

    Parameters
    ----------
    typed : numba signature, or callable
        The types of the result and the arguments, ``result(argument, ...)`` as numba writes it. A callable is given
        numba's types of the arguments, and returns the signature that follows.

    Notes
    -----
    `get` shows all of it. Where a kernel says ``get(p)`` and p is a ``CPointer(float32)``, numba calls the lambda with
    that type and is told ``float32(CPointer(float32))``: the call gives a float32. When it comes to the code, the
    function itself is called. ``builder.load(p)`` appends ``%x = load float, float* %p`` to the kernel and returns the
    name ``%x``, which numba takes for the result. Nothing is left of a call when the kernel runs but its instructions.
    """

    def decorate(write: Callable[Concatenate[Call, P], R]) -> Callable[P, R]:
        write_values: Any = write  # names of LLVM values, where the annotations speak of what they will be

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            result = write_values(Call(builder, context, signature), *arguments)
            return context.get_dummy_value() if result is None else result  # what numba wants for None

        @functools.wraps(write)
        def declare(typing_context: Any, *arguments: Any) -> Any:
            return (typed(*arguments) if inspect.isfunction(typed) else typed), generate

        made: Callable[P, R] = intrinsic(declare)  # numba reads the names of the arguments through the wrapper
        return made

    return decorate


# Pointers. Nothing here checks bounds or wraps negative indices; wrappers check, kernels trust.

_I32 = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()


def _data_of(call: Call, kind: Any, array: Any) -> Any:
    """Return the data pointer in the structure of seven numbers that is an array to numba."""
    return call.context.make_array(kind)(call.context, call.builder, array).data


@instruction(lambda array: types.CPointer(array.dtype)(array))
def ptr(call: Call, array: NDArray[Any]) -> Pointer:
    """Return the pointer to the first element of an array."""
    return cast(Pointer, _data_of(call, call.signature.args[0], array))


def _with_pointers(named: Any) -> Any:
    """Return numba's type of a named tuple once its arrays are pointers."""
    kinds = [types.CPointer(kind.dtype) if isinstance(kind, types.Array) else kind for kind in named.types]
    return types.BaseTuple.from_types(kinds, named.instance_class)(named)


@instruction(_with_pointers)
def pointers(call: Call, named: Any) -> Any:
    """Return a named tuple with the pointer to each array in the array's place, all else as it is.

    Within the loops of a kernel no array may be touched: numba counts references to arrays, by locked instructions.
    """
    kinds = call.signature.args[0].types
    values = cgutils.unpack_tuple(call.builder, named)
    made = [
        _data_of(call, kind, value) if isinstance(kind, types.Array) else value
        for kind, value in zip(kinds, values, strict=True)
    ]
    return call.context.make_tuple(call.builder, call.signature.return_type, made)


@instruction(lambda p, i: p(p, types.intp))
def at(call: Call, p: Pointer, i: Index) -> Pointer:
    """Return the pointer p moved by i elements."""
    return cast(Pointer, call.builder.gep(p, [i]))


@instruction(lambda p: p.dtype(p))
def get(call: Call, p: Pointer) -> Any:
    """Return the element at p."""
    return call.builder.load(p)


@instruction(lambda p, value: types.void(p, p.dtype))
def put(call: Call, p: Pointer, value: Any) -> None:
    """Store value, of p's own type, at p."""
    call.builder.store(value, p)


@instruction(lambda p: types.int64(p))
def address(call: Call, p: Pointer) -> int:
    """Return the pointer p as a whole number, in bytes."""
    return cast(int, call.builder.ptrtoint(p, ir.IntType(64)))


@instruction(types.void(types.int64))
def prefetch(call: Call, where: Index) -> None:
    """Ask for the cache line at an address, to be read soon, into the first-level cache."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, _I32, _I32, _I32])
    function = cgutils.get_or_insert_function(call.builder.module, kind, "llvm.prefetch.p0")
    call.builder.call(function, [call.builder.inttoptr(where, _BYTES), _I32(0), _I32(3), _I32(1)])


# Vectors: a numba type whose data model is LLVM's ``<LANES x float>``, so that LLVM keeps its values in registers.


def _host_lanes() -> int:
    """Float32 numbers in one vector register of this machine."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 4


LANES = _host_lanes()
"""What one register of the host holds: 16 with AVX-512, 8 with AVX2, else 4."""

_F32 = ir.FloatType()
_VECTOR = ir.VectorType(_F32, LANES)
_FOUR = ir.VectorType(_F32, 4)
_INTEGERS = ir.VectorType(_I32, LANES)


class _VectorType(types.Type):  # type: ignore[misc]  # numba's own class has no types
    """Numba's type of LANES float32 numbers in one register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


_vector: Any = _VectorType()


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]  # numba's own class has no types
    """How a kernel holds a value of the type: as LLVM's vector, itself."""

    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


_UNARY, _BINARY, _TERNARY = (_vector(*[_vector] * operands) for operands in (1, 2, 3))


def _lanes(numbers: list[int]) -> ir.Constant:
    """Lanes of two vectors, counted through, for LLVM's ``shufflevector``."""
    return ir.Constant(ir.VectorType(_I32, len(numbers)), numbers)


def _in_every_lane(builder: Any, scalar: Any) -> Any:
    """Put a number into the first lane of a vector, then that lane into all."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, _I32(0))
    return builder.shuffle_vector(one, undefined, _lanes([0] * LANES))


def _lane_by_lane(builder: Any, name: str, *vectors: Any) -> Any:
    """Call LLVM's own function ``name`` on vectors; it becomes one instruction of the processor."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(vectors))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32")
    return builder.call(function, vectors)


def _load(builder: Any, p: Any) -> Any:
    """Read a vector; ``align=4`` since a pointer may be to any float32."""
    return builder.load(builder.bitcast(p, _VECTOR.as_pointer()), align=4)


def _store(builder: Any, p: Any, v: Any) -> None:
    builder.store(v, builder.bitcast(p, v.type.as_pointer()), align=4)


@instruction(lambda p: _vector(p))
def load(call: Call, p: Pointer) -> Vector:
    """Return the vector at p, at any alignment."""
    return cast(Vector, _load(call.builder, p))


@instruction(lambda p, v: types.void(p, v))
def store(call: Call, p: Pointer, v: Vector) -> None:
    """Store the vector v at p, at any alignment."""
    _store(call.builder, p, v)


@instruction(lambda p: _vector(p))
def spread(call: Call, p: Pointer) -> Vector:
    """Return the number at p in every lane."""
    return cast(Vector, _in_every_lane(call.builder, call.builder.load(p, align=4)))


@instruction(_vector(types.float32))
def splat(call: Call, x: Any) -> Vector:
    """Return the float32 x in every lane."""
    return cast(Vector, _in_every_lane(call.builder, x))


@instruction(_TERNARY)
def fma(call: Call, a: Vector, b: Vector, c: Vector) -> Vector:
    """Return a·b + c, rounded once."""
    return cast(Vector, _lane_by_lane(call.builder, "fma", a, b, c))


@instruction(_BINARY)
def add(call: Call, a: Vector, b: Vector) -> Vector:
    """Return a + b."""
    return cast(Vector, call.builder.fadd(a, b))


@instruction(_BINARY)
def sub(call: Call, a: Vector, b: Vector) -> Vector:
    """Return a - b."""
    return cast(Vector, call.builder.fsub(a, b))


@instruction(_BINARY)
def mul(call: Call, a: Vector, b: Vector) -> Vector:
    """Return a·b."""
    return cast(Vector, call.builder.fmul(a, b))


@instruction(_BINARY)
def div(call: Call, a: Vector, b: Vector) -> Vector:
    """Return a / b."""
    return cast(Vector, call.builder.fdiv(a, b))


@instruction(_UNARY)
def absolute(call: Call, a: Vector) -> Vector:
    """Return |a|."""
    return cast(Vector, _lane_by_lane(call.builder, "fabs", a))


@instruction(_UNARY)
def nearest(call: Call, a: Vector) -> Vector:
    """Return a rounded to the nearest whole number."""
    return cast(Vector, _lane_by_lane(call.builder, "rint", a))


@instruction(_BINARY)
def larger(call: Call, a: Vector, b: Vector) -> Vector:
    """Return the larger of a and b, lane by lane; the other one where one is NaN."""
    return cast(Vector, _lane_by_lane(call.builder, "maxnum", a, b))


@instruction(_TERNARY)
def where_negative(call: Call, x: Vector, a: Vector, b: Vector) -> Vector:
    """Return a in the lanes where x < 0, b in the others."""
    below = call.builder.fcmp_ordered("<", x, ir.Constant(_VECTOR, [0.0] * LANES))
    return cast(Vector, call.builder.select(below, a, b))


@instruction(_UNARY)
def power_of_two(call: Call, a: Vector) -> Vector:
    """Return 2**a for whole numbers a in -127..127, with 2**-127 taken as exactly 0.

    Bits 23 to 30 of a float32 are its exponent plus 127, so that a number which has nothing else is a power of two.
    """
    builder = call.builder
    exponent = builder.add(builder.fptosi(a, _INTEGERS), ir.Constant(_INTEGERS, [127] * LANES))
    return cast(Vector, builder.bitcast(builder.shl(exponent, ir.Constant(_INTEGERS, [23] * LANES)), _VECTOR))


# What crosses the lanes of a vector: sums and transposition, by shuffles. LLVM's ``shufflevector`` takes two vectors
# and a list of lanes, the second's counted on from the first's, and returns a vector of these lanes.


@instruction(types.float32(_vector))
def total(call: Call, a: Vector) -> np.float32:
    """Return the sum of the lanes, in any order."""
    kind = ir.FunctionType(_F32, [_F32, _VECTOR])
    function = cgutils.get_or_insert_function(call.builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
    return cast(np.float32, call.builder.call(function, [ir.Constant(_F32, 0.0), a], fastmath=("reassoc",)))


def _quarters(pattern: list[int]) -> list[int]:
    """Repeat a pattern over four lanes (0-3 of the first operand, 4-7 of the second) in every group of four.

    AVX's shuffles work within groups of four lanes; what crosses them costs more.
    """
    return [group + (lane if lane < 4 else lane - 4 + LANES) for group in range(0, LANES, 4) for lane in pattern]


def _minus_four_totals(builder: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Minus the sums of the lanes of a, b, c, d: a vector of four.

    Neighbouring lanes are added, those of two vectors side by side; twice, then each group of four has its part of the
    four sums; then the groups are added. That is half the shuffles of four sums one after the other.
    """

    def pairs(x: Any, y: Any) -> Any:
        even = builder.shuffle_vector(x, y, _lanes(_quarters([0, 2, 4, 6])))
        odd = builder.shuffle_vector(x, y, _lanes(_quarters([1, 3, 5, 7])))
        return builder.fadd(even, odd)

    sums = pairs(pairs(a, b), pairs(c, d))
    whole = builder.shuffle_vector(sums, sums, _lanes([0, 1, 2, 3]))
    for group in range(4, LANES, 4):
        part = builder.shuffle_vector(sums, sums, _lanes([group, group + 1, group + 2, group + 3]))
        whole = builder.fadd(whole, part)
    return builder.fsub(ir.Constant(_FOUR, [0.0] * 4), whole)


@instruction(lambda p, *vectors: types.void(p, *[_vector] * 4))
def put_four_totals(call: Call, p: Pointer, a: Vector, b: Vector, c: Vector, d: Vector) -> None:
    """Store minus the sums of the lanes of a, b, c, d at p[0:4]."""
    _store(call.builder, p, _minus_four_totals(call.builder, a, b, c, d))


@instruction(lambda p, *vectors: types.void(p, *[_vector] * 8))
def put_eight_totals(
    call: Call, p: Pointer, a: Vector, b: Vector, c: Vector, d: Vector, e: Vector, f: Vector, g: Vector, h: Vector
) -> None:
    """Store minus the sums of the lanes of eight vectors at p[0:8].

    At once: a register that is loaded from two narrower stores must wait until both have left the store buffer.
    """
    low, high = _minus_four_totals(call.builder, a, b, c, d), _minus_four_totals(call.builder, e, f, g, h)
    _store(call.builder, p, call.builder.shuffle_vector(low, high, _lanes(list(range(8)))))


@instruction(lambda source, row, target, column: types.void(source, types.intp, target, types.intp))
def transpose_four(call: Call, source: Pointer, row: int, target: Pointer, column: int) -> None:
    """Transpose source[0:4, 0:LANES], rows ``row`` apart, to target[0:LANES, 0:4], rows ``column`` apart."""
    builder, read, write = call.builder, source, target
    rows = []
    for _ in range(4):
        rows.append(_load(builder, read))
        read = builder.gep(read, [row])

    def shuffle(x: Any, y: Any, pattern: list[int]) -> Any:
        return builder.shuffle_vector(x, y, _lanes(_quarters(pattern)))

    low01, high01 = shuffle(rows[0], rows[1], [0, 4, 1, 5]), shuffle(rows[0], rows[1], [2, 6, 3, 7])
    low23, high23 = shuffle(rows[2], rows[3], [0, 4, 1, 5]), shuffle(rows[2], rows[3], [2, 6, 3, 7])
    columns = [  # in each group of four lanes: that column of its four by four
        shuffle(low01, low23, [0, 1, 4, 5]),
        shuffle(low01, low23, [2, 3, 6, 7]),
        shuffle(high01, high23, [0, 1, 4, 5]),
        shuffle(high01, high23, [2, 3, 6, 7]),
    ]
    for group in range(0, LANES, 4):
        lanes = _lanes([group, group + 1, group + 2, group + 3])
        for j in range(4):
            _store(builder, write, builder.shuffle_vector(columns[j], columns[j], lanes))
            write = builder.gep(write, [column])


# σ and log(1 + exp) of the numbers in a register, by polynomials.

f32 = np.float32


@inlined
def sigma_softplus(s: Vector) -> tuple[Vector, Vector]:
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


def aligned(size: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Zeros [size] that begin on a 64-byte cache line."""
    raw = np.zeros(size * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def padded(size: int, multiple: int = LANES) -> int:
    """Size rounded up to a multiple."""
    return -(-size // multiple) * multiple
