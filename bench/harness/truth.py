"""Exact nearest neighbours to judge engines by.

Metrics that are matrix products: candidates by one float32 product per block, k + 17 of them,
re-ranked in double precision; a row whose k-th distance comes nearer to the candidates' edge than
the float32 error allows is done again in double precision throughout, so the answer is exact.
All other metrics: double precision throughout.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import metrics
from .paths import cache_dir

EXTRA_CANDIDATES = 17
# Guessed, on the safe side: a float32 dot product of d terms is off by at most about d * eps of the
# product of the norms; pairwise and fused sums keep it far below that.
ERROR_FACTOR = 4.0
BLOCK_VALUES = 1 << 24


@dataclass(frozen=True)
class Truth:
    """Exact answers for ``sample`` (row numbers): indices s x k, distances s x k (float64)."""

    sample: np.ndarray
    indices: np.ndarray
    distances: np.ndarray
    metric: str
    p: float = 2.0

    @property
    def k(self) -> int:
        return self.indices.shape[1]


def sample_rows(count: int, size: int | None, seed: int = 42) -> np.ndarray:
    """A seeded sample of row numbers in ascending order; all of them if size is None or larger."""
    if size is None or size >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size, replace=False))


def exact(rows: np.ndarray, queries: np.ndarray, k: int, metric: str, p: float = 2.0):
    """Indices and float64 distances, q x min(k, n), ascending, ties by row number. O(q n d)."""
    k = min(k, len(rows))
    if metrics.canonical(metric) in metrics.PRODUCT and len(rows) > 4 * (k + EXTRA_CANDIDATES):
        return _by_products(rows, queries, k, metric)
    return _in_double(rows, queries, k, metric, p)


def graph_truth(rows: np.ndarray, k: int, metric: str, size: int | None, p: float = 2.0) -> Truth:
    """Exact neighbours, self included, of a seeded sample of rows (all if size is None)."""
    sample = sample_rows(len(rows), size)
    indices, distances = exact(rows, rows[sample], k, metric, p)
    return Truth(sample, indices, distances, metric, p)


def query_truth(rows: np.ndarray, queries: np.ndarray, k: int, metric: str) -> Truth:
    """Exact neighbours among the rows of all queries, in their order."""
    return Truth(np.arange(len(queries)), *exact(rows, queries, k, metric), metric)


def cached_graph_truth(name: str, rows: np.ndarray, k: int, metric: str, size: int | None) -> Truth:
    """As ``graph_truth``, kept in the cache under the name and a digest of the rows."""
    part = "all" if size is None or size >= len(rows) else str(size)
    path = cache_dir() / f"truth-{name}-{_digest(rows)}-{metrics.canonical(metric)}-k{k}-{part}.npz"
    return _kept(path, metric, lambda: graph_truth(rows, k, metric, size))


def cached_query_truth(
    name: str, rows: np.ndarray, queries: np.ndarray, k: int, metric: str
) -> tuple[Truth, Path]:
    """As ``query_truth``, and the file that keeps it, named by digests of rows and queries."""
    part = f"{_digest(rows)}-{_digest(queries)}-{metrics.canonical(metric)}-k{k}"
    path = cache_dir() / f"truth-{name}-queries-{part}.npz"
    return _kept(path, metric, lambda: query_truth(rows, queries, k, metric)), path


def _digest(rows: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).view(np.uint8)).hexdigest()[:16]


def _kept(path: Path, metric: str, find: Callable[[], Truth]) -> Truth:
    if path.is_file():
        with np.load(path) as kept:
            return Truth(kept["sample"], kept["indices"], kept["distances"], metric)
    truth = find()
    np.savez(path, sample=truth.sample, indices=truth.indices, distances=truth.distances)
    return truth


def _in_double(rows, queries, k, metric, p):
    ready = metrics.prepared(rows, metric)
    step = max(1, BLOCK_VALUES // len(rows))
    parts = [
        _smallest(metrics.block(metrics.prepared(part, metric), ready, metric, p), k)
        for part in (queries[i : i + step] for i in range(0, len(queries), step))
    ]
    return _stack(parts, k)


def _by_products(rows, queries, k, metric):
    offset = _offset(rows, metric)
    base = _product_form(rows, metric, offset)
    squared = np.einsum("ij,ij->i", base, base)
    step = max(1, BLOCK_VALUES // len(rows))
    parts = []
    for i in range(0, len(queries), step):
        raw = queries[i : i + step]
        part = _product_form(raw, metric, offset)
        scores = squared - 2.0 * (part @ base.T)
        parts.append(_rerank(rows, raw, part, squared, scores, k, metric))
    return _stack(parts, k)


def _offset(rows, metric):
    """Distances do not change when the mean is taken off, float32 products become smaller."""
    if metrics.canonical(metric) in ("cosine", "correlation"):
        return None
    return rows.mean(axis=0, dtype=np.float64)


def _product_form(rows, metric, offset):
    if offset is None:
        return metrics.prepared(rows, metric).astype(np.float32)
    return (rows - offset).astype(np.float32)


def _rerank(rows, raw, part, squared, scores, k, metric):
    """Double precision over the candidates; rows that float32 cannot decide are done in full."""
    wanted = k + EXTRA_CANDIDATES
    candidates = np.argpartition(scores, wanted, axis=1)[:, :wanted]
    edge = np.take_along_axis(scores, candidates, axis=1).max(axis=1)
    length = np.einsum("ij,ij->i", part, part)
    slack = (
        ERROR_FACTOR * np.finfo(np.float32).eps * (length + squared.max()) * np.sqrt(part.shape[1])
    )
    indices = np.empty((len(raw), k), dtype=np.int64)
    distances = np.empty((len(raw), k), dtype=np.float64)
    for i, ids in enumerate(candidates):
        order = np.sort(ids)
        row_distances = metrics.paired(raw[i], rows[order], metric)
        indices[i], distances[i] = _first(order, row_distances, k)
        if _as_score(distances[i, -1], length[i], metric) + slack[i] >= edge[i]:
            full = _in_double(rows, raw[i : i + 1], k, metric, 2.0)
            indices[i], distances[i] = full[0][0], full[1][0]
    return indices, distances


def _as_score(distance, length, metric):
    """The float32 score |y|^2 - 2xy that belongs to a distance."""
    name = metrics.canonical(metric)
    if name == "euclidean":
        return distance**2 - length
    return distance - length if name == "sqeuclidean" else 2.0 * distance - length


def _first(ids, distances, k):
    order = np.argsort(distances, kind="stable")[:k]
    return ids[order], distances[order]


def _smallest(distances, k):
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


def _stack(parts, k):
    if not parts:
        return np.empty((0, k), dtype=np.int64), np.empty((0, k))
    return np.vstack([p[0] for p in parts]), np.vstack([p[1] for p in parts])
