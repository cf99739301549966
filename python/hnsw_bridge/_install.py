"""Installing: our class under the name `NNDescent` that umap looks up, for good or for a block.

The name must hold a class, because umap asks `isinstance` of it. What is patched only selects: who
answers is decided each time an index is made, by the rules in `_select`. So a patch that one thread
needs for a moment does not change what another thread gets.
"""

from __future__ import annotations

import contextlib
import contextvars
import importlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import _stub
from ._locks import ForkSafeLock
from ._select import EngineFirst, checked_mode, fallback, is_pynndescent, originals
from .index import HnswIndexWrapper

_UMAP_NAMES = (("umap.umap_", "NNDescent"),)
_OTHER_NAMES = (("pynndescent", "NNDescent"), ("pynndescent.pynndescent_", "NNDescent"))
_TRANSFORMER_NAMES = (
    ("pynndescent", "PyNNDescentTransformer"),
    ("pynndescent.pynndescent_", "PyNNDescentTransformer"),
)


class _Selecting(EngineFirst):
    """Metaclass of the patched name: a call makes ours or PyNNDescent's, and both are instances."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - a metaclass
        other = fallback(_effective_mode(), args, kwargs)
        if other is not None:
            return other(*args, **kwargs)
        made = HnswIndexWrapper if cls is NNDescent else cls
        return type.__call__(made, *args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:  # noqa: N805
        if super().__instancecheck__(instance) or is_pynndescent(instance):
            return True
        return cls is NNDescent and isinstance(instance, HnswIndexWrapper)


class NNDescent(HnswIndexWrapper, metaclass=_Selecting):
    """What stands in PyNNDescent's place: makes an `HnswIndexWrapper` or PyNNDescent's own index.

    A subclass (to count calls, say) is made itself where the engine answers.
    """


class Installation:
    """What `install` returns. As a context manager it uninstalls at the end of the block."""

    def __init__(self, mode: str, names: tuple[tuple[str, str], ...]) -> None:
        self.mode = mode
        self.names = names

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        uninstall()


class _State:
    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.holders: Counter[tuple[str, str]] = Counter()
        self.installed: Installation | None = None


_state = _State()
_mode_here: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "hnsw_bridge_mode", default=None
)


def install(
    mode: str | None = None, *, everywhere: bool = False, stub_pynndescent: bool = False
) -> Installation:
    """Put this engine in the place of ``NNDescent`` inside umap, until `uninstall`.

    Parameters
    ----------
    mode : {"auto", "on", "off"}, optional
        "auto": PyNNDescent answers silently what this engine cannot. "on": with a warning.
        "off": PyNNDescent answers everything. Default: HNSW_BRIDGE from the environment, or "auto".
    everywhere : bool
        Patch ``pynndescent.NNDescent`` too, for openTSNE, bbknn and others, and unless `mode` is
        "off" ``pynndescent.PyNNDescentTransformer``, for scanpy.
    stub_pynndescent : bool
        Put a stand-in in the place of the package pynndescent, which is then not imported and need
        not be there. Without effect once it is imported. It stays until the process ends, in which
        nothing can fall back to PyNNDescent.

    Returns
    -------
    Installation
        Usable as a context manager: ``with hnsw_bridge.install(): …``.
    """
    names = _UMAP_NAMES + (_OTHER_NAMES if everywhere else ())
    if everywhere and checked_mode(mode) != "off":
        names += _TRANSFORMER_NAMES
    if stub_pynndescent:
        _stub.put_in_place()
    installation = Installation(checked_mode(mode), names)
    with _state.lock:
        uninstall()
        _hold(names)
        _state.installed = installation
    return installation


def uninstall() -> None:
    """Give PyNNDescent its place back. Indexes made meanwhile go on working."""
    with _state.lock:
        if _state.installed is not None:
            _let_go(_state.installed.names)
            _state.installed = None


@contextlib.contextmanager
def using(mode: str | None = None) -> Iterator[None]:
    """In this block and thread, umap's indexes are made by `mode`, whatever is installed."""
    token = _mode_here.set(checked_mode(mode))
    _hold(_UMAP_NAMES)
    try:
        yield
    finally:
        _let_go(_UMAP_NAMES)
        _mode_here.reset(token)


def _effective_mode() -> str:
    here = _mode_here.get()
    if here is None and _state.installed is None:
        return "off"  # Patched for a block of another thread.
    return checked_mode(here or (_state.installed.mode if _state.installed else None))


def _hold(names: tuple[tuple[str, str], ...]) -> None:
    with _state.lock:
        modules = [importlib.import_module(module) for module, _ in names]
        for module, name in zip(modules, names, strict=True):
            if not _state.holders[name]:
                originals[name] = getattr(module, name[1])
                setattr(module, name[1], _ours(name[1]))
            _state.holders[name] += 1


def _let_go(names: tuple[tuple[str, str], ...]) -> None:
    with _state.lock:
        for name in names:
            _state.holders[name] -= 1
            if not _state.holders[name]:
                module = importlib.import_module(name[0])
                original = originals.pop(name)
                if getattr(module, name[1]) is _ours(name[1]):  # Else someone patched over ours.
                    setattr(module, name[1], original)


def _ours(attribute: str) -> type[Any]:
    if attribute == "NNDescent":
        return NNDescent
    from .transformers import PyNNDescentTransformer  # Needs scikit-learn, as pynndescent does.

    return PyNNDescentTransformer
