"""Selection: which class answers when an `NNDescent` is made, ours or PyNNDescent's.

    switched off                                     -> PyNNDescent
    metric that only PyNNDescent knows               -> PyNNDescent, with a warning if asked by name
    callable metric, more rows than are scanned      -> PyNNDescent, with a warning if asked by name
    no server to be had, or one that lacks the form  -> PyNNDescent, with a warning if asked by name
    else, errors included                            -> ours

Asked by name: `mode="on"`, `HnswIndexWrapper` itself, or `hnsw_bridge.umap.UMAP`. The rules live in
metaclasses, so that the names stay classes: umap asks `isinstance`, and tests subclass.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from ._callables import MAX_CALLABLE_ROWS, is_compiled, not_compiled
from ._engine import engine
from ._errors import FallbackWarning, HnswError, InvalidArgument
from ._matrix import is_sparse
from ._metrics import find_metric, form_feature, is_refused

MODES = ("auto", "on", "off")


def checked_mode(mode: str | None) -> str:
    """`mode`, or the environment's; HNSW_BRIDGE=off wins over everything."""
    named = os.environ.get("HNSW_BRIDGE", "").lower() or None
    if named == "off":
        return "off"
    chosen = mode or named or "auto"
    if chosen not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {chosen!r}")
    return chosen


def reason_against(data: Any, metric: Any) -> HnswError | None:
    """Why the engine cannot answer for this input, or None. May start a server to find out."""
    if callable(metric):
        return _reason_against_callable(data, metric)
    try:
        greeting = engine().greeting
        known = find_metric(metric, greeting)
    except HnswError as error:
        return error
    needed = form_feature(known, is_sparse(data))
    if needed is not None and needed not in greeting.features:
        return InvalidArgument(f"the server, {greeting.server}, is without {needed}")
    return None


def _reason_against_callable(data: Any, metric: Any) -> HnswError | None:
    if not is_compiled(metric):
        return not_compiled(metric)
    shape = getattr(data, "shape", None)
    n = shape[0] if shape else len(data) if hasattr(data, "__len__") else 0
    if n > MAX_CALLABLE_ROWS:
        most = f"at most {MAX_CALLABLE_ROWS} rows"
        return InvalidArgument(f"with a callable metric the engine takes {most}, got {n}")
    return None


# (module, attribute) -> the class of PyNNDescent's that stood there before it was patched.
originals: dict[tuple[str, str], type[Any]] = {}


def pynndescent_class() -> type[Any]:
    """PyNNDescent's own class, also while ours stands under its name.

    Raises ImportError without it, and where someone else put ours there and kept no original.
    """
    import pynndescent

    found: type[Any] = originals.get(("pynndescent", "NNDescent"), pynndescent.NNDescent)
    if isinstance(found, EngineFirst):
        raise ImportError("pynndescent.NNDescent was replaced, and its original is not known")
    return found


def is_pynndescent(instance: Any) -> bool:
    """Whether `instance` is one of PyNNDescent's indexes; does not import it to find out."""
    try:
        return "pynndescent" in sys.modules and isinstance(instance, pynndescent_class())
    except ImportError:
        return False


def fallback(mode: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> type[Any] | None:
    """The class to use instead of ours for these constructor arguments; None when ours does it.

    Raises why ours cannot, where PyNNDescent could not either.
    """
    if mode == "off":
        return pynndescent_class()
    data = args[0] if args else kwargs.get("data")
    metric = args[1] if len(args) > 1 else kwargs.get("metric", "euclidean")
    reason = reason_against(data, metric)
    if reason is None:
        return None
    if not _pynndescent_knows(metric):
        raise reason
    if mode == "on":
        warnings.warn(f"PyNNDescent answers instead: {reason}", FallbackWarning, stacklevel=4)
    return pynndescent_class()


def _pynndescent_knows(metric: Any) -> bool:
    try:
        pynndescent_class()
        from pynndescent.distances import named_distances, proxy_distances
    except ImportError:
        return False
    if is_refused(metric):
        return False
    if not isinstance(metric, str):
        return is_compiled(metric)
    return metric in named_distances or metric in proxy_distances


class EngineFirst(type):
    """Metaclass of a class asked for by name: a call makes one, or falls back with a warning."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        other = fallback(checked_mode("on"), args, kwargs)
        return super().__call__(*args, **kwargs) if other is None else other(*args, **kwargs)
