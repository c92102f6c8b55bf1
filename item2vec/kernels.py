"""How numba compiles the kernels, and where compiled code is kept.

`kernel` is for exact work, `fast_kernel` for sums of floats in any order, `inlined` for parts of fast kernels. All
release the GIL. Compiled code is kept in a cache, as by numba's own ``cache=True``, but

- it goes stale when *any* module that the kernel builds on is edited; numba looks at the kernel's own file only;
- where neither ``NUMBA_CACHE_DIR`` nor the package's own folder can be written (another user's installation, a
  container), it is kept in the user's cache folder; where that cannot be written either, each process compiles anew.

This goes through numba's classes for caches. Should a later numba lack them, kernels fall back to ``cache=True``.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, overload

from item2vec.files.machine import TO_COMPILE, check_address_space
from item2vec.files.paths import cache_folder

check_address_space(TO_COMPILE, "numba")
njit: Any = import_module("numba").njit  # only now: without room for it, its import crashes
_config: Any = import_module("numba.core.config")  # it sets its attributes from the environment, unseen by mypy
_caching: Any = import_module("numba.core.caching")
_HAS_PARTS = all(hasattr(_caching, name) for name in ("CompileResultCacheImpl", "FunctionCache", "_CacheLocator"))

P = ParamSpec("P")
R = TypeVar("R")

_PACKAGE = Path(__file__).parent
_IMPORTED = re.compile(r"^\s*from (item2vec(?:\.\w+)+) import ([^\n(]+|\([^)]*\))", re.MULTILINE)


@functools.cache
def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _file_of(module: str) -> Path:
    return _PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")


def family(path: Path) -> set[Path]:
    """Return the modules of item2vec that the one at ``path`` builds on, itself among them."""
    found, left = {path}, [path]
    while left:
        for module, names in _IMPORTED.findall(_text(left.pop())):
            submodules = [f"{module}.{name}" for name in re.findall(r"\w+", names)]
            for file in map(_file_of, (module, *submodules)):
                if file not in found and file.is_file():
                    found.add(file)
                    left += [file] if file != Path(__file__) else []  # what this module reads makes no code
    return found


@functools.cache
def _stamp(path: Path) -> str:
    """Return a digest of the family's texts."""
    digest = hashlib.sha256()
    for file in sorted(family(path)):
        digest.update(f"{file.relative_to(_PACKAGE) if file.is_relative_to(_PACKAGE) else file.name}\0".encode())
        digest.update(_text(file).encode())
    return digest.hexdigest()


def _folders(path: Path) -> Iterator[Path]:
    """Where compiled code of a module may be kept, first choice first."""
    where = hashlib.sha1(str(path.parent).encode(), usedforsecurity=False).hexdigest()
    if _config.CACHE_DIR:
        yield Path(_config.CACHE_DIR) / f"{path.parent.name}_{where}"
    yield path.parent / "__pycache__"
    try:
        yield cache_folder() / "kernels" / where
    except RuntimeError:  # a user without a home
        return


@functools.cache
def _writable(path: Path) -> Path | None:
    """Return the first of a module's folders that can be written."""
    for folder in _folders(path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None


class _Locator(_caching._CacheLocator if _HAS_PARTS else object):  # type: ignore[misc]  # numba has no types
    """Says where a kernel's code is kept, and of which source texts it is."""

    def __init__(self, function: Any, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Return the folder that numba keeps the code in."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return what changes when the kernel, or a module that it builds on, does."""
        return _stamp(self._path)

    def get_disambiguator(self) -> str:
        """Return what tells kernels of one name in one module apart."""
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator | None:
        path = Path(py_file)
        folder = _writable(path)
        return None if folder is None else cls(py_func, path, folder)


@functools.cache
def _cache_class() -> Any:
    """Return numba's cache of a function, with our locator."""
    parts = type("_CacheParts", (_caching.CompileResultCacheImpl,), {"_locator_classes": [_Locator]})
    return type("_FamilyCache", (_caching.FunctionCache,), {"_impl_class": parts})


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """Make a kernel of a function, with a cache if one can be kept."""
    if _config.DISABLE_JIT:
        return function
    made: Any = njit(cache=not _HAS_PARTS, **options)(function)
    if _HAS_PARTS and _writable(Path(function.__code__.co_filename)) is not None:
        made._cache = _cache_class()(function)
    compiled: Callable[P, R] = made
    return compiled


@overload
def kernel(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def kernel(*, inline: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def kernel(function: Any = None, *, inline: str = "never") -> Any:
    """Compile a function for exact work: no reordering of sums; a division by 0 gives what numpy gives.

    Parameters
    ----------
    function : callable
    inline : {"never", "always"}
        always: numba copies the function into its callers before it types them.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "inline": inline}
    if function is None:
        return functools.partial(_compiled, **options)
    return _compiled(function, **options)


def fast_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function whose sums of floats may be taken in any order, so that they become vector operations."""
    return _compiled(function, nogil=True, error_model="numpy", fastmath=True)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of fast kernels, which LLVM puts into each of its callers."""
    return _compiled(function, nogil=True, error_model="numpy", fastmath=True, forceinline=True)


def is_compiled(function: Callable[..., Any]) -> bool:
    """Return whether a kernel need not wait for LLVM: its code is in its cache, or it is plain Python."""
    if not hasattr(function, "py_func"):
        return True
    load = getattr(getattr(getattr(function, "_cache", None), "_cache_file", None), "_load_index", None)
    return bool(load()) if load is not None else False


def code_folder() -> Path | None:
    """Return a folder where kernels' code is kept: that of this module; None if none can be written."""
    return _writable(Path(__file__))


def keeps_code(function: Callable[..., Any]) -> bool:
    """Return whether there is a folder for a kernel's code; without one each process compiles it anew."""
    return _writable(Path(function.__code__.co_filename)) is not None
