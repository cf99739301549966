"""Recall against exact truth, ties counted as hits.

A returned row is right when its distance, computed again in double precision on the raw rows, is
not above the exact k-th distance (relative slack 1e-6, the resolution of float32 distances).
Rows are counted once, and -1 never. Without ties this is |returned and true| / k.
"""

from dataclasses import dataclass

import numpy as np

from . import metrics
from .truth import Truth

SLACK = 1e-6


@dataclass(frozen=True)
class Quality:
    """recall in 0..1; distance_error = mean over rows of (sum returned / sum exact) - 1."""

    recall: float
    distance_error: float
    rows: int


def judge(indices: np.ndarray, rows: np.ndarray, queries: np.ndarray, truth: Truth) -> Quality:
    """Quality of answers q x k for raw queries, in the order of ``truth``."""
    width, exact = truth.k, truth.distances
    ids = np.sort(indices[:, :width].astype(np.int64), axis=1)
    counts = ids >= 0
    counts[:, 1:] &= ids[:, 1:] != ids[:, :-1]
    distances = metrics.of_pairs(queries, rows, np.maximum(ids, 0), truth.metric, truth.p)
    last = exact[:, -1:]
    limit = last + SLACK * np.maximum(np.abs(last), np.finfo(np.float32).tiny)
    hits = int((counts & (distances <= limit)).sum())
    totals = exact.sum(axis=1)
    whole = counts.all(axis=1) & (ids.shape[1] == width) & (totals > 0)
    # the sums round differently in the two orders
    errors = np.maximum(0.0, distances[whole].sum(axis=1) / totals[whole] - 1.0)
    return Quality(
        recall=hits / (width * len(exact)),
        distance_error=float(errors.mean()) if len(errors) else 0.0,
        rows=len(exact),
    )


def judge_graph(indices: np.ndarray, rows: np.ndarray, truth: Truth) -> Quality:
    """Quality of an all-rows neighbour graph n x k on the rows that the truth covers."""
    return judge(indices[truth.sample], rows, rows[truth.sample], truth)
