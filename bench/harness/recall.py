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
    hits, errors = 0, []
    width = truth.k
    for ids, query, exact in zip(indices[:, :width], queries, truth.distances, strict=True):
        found = np.unique(ids[ids >= 0])
        distances = np.sort(metrics.paired(query, rows[found], truth.metric, truth.p))
        limit = exact[-1] + SLACK * max(abs(exact[-1]), np.finfo(np.float32).tiny)
        hits += int((distances <= limit).sum())
        total = exact.sum()
        if len(found) == width and total > 0:
            # the sums round differently in the two orders
            errors.append(max(0.0, distances.sum() / total - 1.0))
    return Quality(
        recall=hits / (width * len(truth.distances)),
        distance_error=float(np.mean(errors)) if errors else 0.0,
        rows=len(truth.distances),
    )


def judge_graph(indices: np.ndarray, rows: np.ndarray, truth: Truth) -> Quality:
    """Quality of an all-rows neighbour graph n x k on the rows that the truth covers."""
    return judge(indices[truth.sample], rows, rows[truth.sample], truth)
