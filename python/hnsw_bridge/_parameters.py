"""Constructor parameters: PyNNDescent's defaults and checks, and what of them goes to the engine.

The engine itself maps `n_trees`, `n_iters` and `max_candidates` to its own parameters; here they
are only passed on. What may not enter: rows, sockets.
"""

from __future__ import annotations

import contextlib
import contextvars
import warnings
from collections.abc import Iterator, Mapping
from math import log2, log10
from numbers import Integral
from types import MappingProxyType
from typing import Any

from ._errors import InvalidArgument
from ._metrics import as_number

_ENGINE_OPTIONS = ("algorithm", "m", "ef_construction", "ef", "graph_recall")
_LARGEST_EPSILON = 1e6  # A number can cross the wire, infinity cannot; beyond this all is searched.

_forced: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "hnsw_bridge_options", default=MappingProxyType({})
)


@contextlib.contextmanager
def options(**engine_options: Any) -> Iterator[None]:
    """Engine options for the indexes made inside this block, by this thread.

    Parameters
    ----------
    algorithm : {"auto", "exact", "hnsw"}
        What answers; "auto" is the default and picks by size, width and cores.
    m, ef_construction, ef : int
        HNSW's own parameters. They win over what PyNNDescent's names are mapped to.

    graph_recall : float
        The least recall of an approximate neighbour graph, 0.5 to 1; 0.99 by default. Where
        nothing less reaches it, all pairs are compared. What was reached is in
        ``plan["neighbor_graph"]["recall"]``.

    Raises
    ------
    TypeError
        For any other name. Values are checked when an index is made.

    Examples
    --------
    >>> with hnsw_bridge.options(algorithm="hnsw", m=24):
    ...     index = HnswIndexWrapper(rows)
    """
    unknown = sorted(set(engine_options) - set(_ENGINE_OPTIONS))
    if unknown:
        allowed = ", ".join(_ENGINE_OPTIONS)
        raise TypeError(f"options() got an unexpected keyword {unknown[0]!r}; it takes {allowed}")
    token = _forced.set({**_forced.get(), **engine_options})
    try:
        yield
    finally:
        _forced.reset(token)


# Efforts of a query by its outcome, and the wish to be told its work.
OUTCOMES = frozenset({"min_recall", "ef_steps", "until_distance", "until_similarity", "profile"})


def forced_options() -> dict[str, Any]:
    """The engine options in force here."""
    return dict(_forced.get())


def default_n_trees(n: int) -> int:
    """The number of trees that PyNNDescent 0.7 shows for n rows."""
    return max(3, min(12, round(2.0 * log10(n))))


def default_n_iters(n: int) -> int:
    """The number of iterations that PyNNDescent shows for n rows."""
    return max(5, round(log2(n)))


def as_attributes(given: Mapping[str, Any], n: int) -> dict[str, Any]:
    """The attributes PyNNDescent would show for these constructor arguments and n rows.

    Raises InvalidArgument for what it, or common sense, refuses.
    """
    check_n_jobs(given["n_jobs"])
    check_init_graph(given["init_graph"], given["init_dist"], n)
    as_count(given["search_tree_leaf_budget"], "search_tree_leaf_budget", 1)
    shown = dict(given)
    shown["n_neighbors"] = as_count(given["n_neighbors"], "n_neighbors", 1)
    for name, default in (("n_trees", default_n_trees(n)), ("n_iters", default_n_iters(n))):
        shown[name] = default if given[name] is None else as_count(given[name], name, 0)
    if given["max_candidates"] is not None:
        shown["max_candidates"] = as_count(given["max_candidates"], "max_candidates", 1)
    if given["n_search_trees"] is None:
        shown["n_search_trees"] = 1  # scanpy's ingest hands it on.
    else:
        warnings.warn(
            "n_search_trees no longer has any effect and will be removed in the next version.",
            FutureWarning,
            stacklevel=4,
        )
    shown["prune_degree_multiplier"] = shown.pop("pruning_degree_multiplier")
    shown["n_trees_after_update"] = max(2, round(shown["n_trees"] / 3))
    return shown


def as_count(value: Any, name: str, least: int) -> int:
    """An integer, given as an int or as a float without fraction (`3.0`), not below `least`."""
    whole = isinstance(value, float) and value.is_integer()
    if isinstance(value, bool) or not (whole or isinstance(value, Integral)):
        raise InvalidArgument(f"{name} must be an integer >= {least}, got {value!r}")
    if value < least:
        raise InvalidArgument(f"{name} must be >= {least}, got {value}")
    return int(value)


def check_n_jobs(n_jobs: Any) -> None:
    """None and -1 mean all cores; a number above the cores is accepted and clamped later."""
    check_threads(n_jobs, "n_jobs")


def check_threads(threads: Any, name: str) -> None:
    """As `check_n_jobs`, by another name."""
    if threads is None or threads == -1:
        return
    if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1:
        raise InvalidArgument(f"{name} must be None, -1 or a number of threads, got {threads!r}")


def check_init_graph(init_graph: Any, init_dist: Any, n: int) -> None:
    """Shapes are checked as PyNNDescent checks them; the values are not needed here."""
    if init_graph is None:
        return
    shape = getattr(init_graph, "shape", None)
    if not shape or shape[0] != n:
        raise InvalidArgument(f"init_graph must have {n} rows, one per row of data, got {shape}")
    if init_dist is not None and getattr(init_dist, "shape", None) != shape:
        raise InvalidArgument(
            f"init_dist must have the shape of init_graph, {shape}, "
            f"got {getattr(init_dist, 'shape', None)}"
        )


def check_widths(k: int, candidate_width: Any, rerank_width: Any) -> None:
    """The widths of a search by codes or proxies. Checked only: the engine picks its own."""
    if candidate_width is not None and as_count(candidate_width, "candidate_width", 0) < k:
        raise InvalidArgument(f"candidate_width must be at least k, {k}, got {candidate_width}")
    if rerank_width is None:
        return
    rerank = as_count(rerank_width, "rerank_width", 0)
    if candidate_width is not None and rerank > candidate_width:
        raise InvalidArgument(
            f"rerank_width must be between zero and candidate_width, {candidate_width}, "
            f"got {rerank_width}"
        )
    if 0 < rerank < k:
        raise InvalidArgument(f"rerank_width must be zero or at least k, {k}, got {rerank_width}")


def effort(epsilon: Any) -> float:
    """The search effort as a finite number >= 0; what is below 0 counts as 0."""
    return min(max(0.0, as_number(epsilon, "epsilon")), _LARGEST_EPSILON)
