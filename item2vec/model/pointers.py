"""Pointers for numba: ``ptr(array)`` takes an array's data pointer, ``at(p, i)`` moves it by i elements.

They are numba's ``CPointer``. Nothing here checks bounds or wraps negative indices; wrappers check, kernels trust.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

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
