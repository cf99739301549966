"""Brute force in float64: the true neighbours, and how far an answer is from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.preprocessing import normalize

SCIPY_NAMES = {
    "l2": "euclidean",
    "manhattan": "cityblock",
    "l1": "cityblock",
    "taxicab": "cityblock",
    "linfinity": "chebyshev",
    "linfty": "chebyshev",
    "linf": "chebyshev",
}
_TIE = 1e-5  # Relative: two distances this close in float32 may change places.


def distances(
    queries: npt.ArrayLike, rows: npt.ArrayLike, metric: str = "euclidean", **kwds: Any
) -> npt.NDArray[np.float64]:
    """All distances (q, n) of a metric of ours, by SciPy."""
    a, b = (np.asarray(x, dtype=np.float64) for x in (queries, rows))
    d = cdist(a, b, SCIPY_NAMES.get(metric, metric), **kwds)
    if metric == "cosine":  # PyNNDescent: a zero row is at 1 from everything, nothing beyond 1.
        d = np.minimum(np.nan_to_num(d, nan=1.0), 1.0)
    return d


def sparse_distances(rows: Any, metric: str) -> npt.NDArray[np.float64]:
    """All distances (n, n) of CSR rows by cosine or hellinger, through one sparse product."""
    rows = rows.astype(np.float64)
    if metric == "hellinger":
        similarity = (normalize(rows, "l1").sqrt() @ normalize(rows, "l1").sqrt().T).toarray()
        return np.sqrt(np.maximum(1.0 - similarity, 0))
    assert metric == "cosine", metric
    unit = normalize(rows)
    similarity = (unit @ unit.T).toarray()
    return np.clip(1.0 - similarity, 0, 1)


def nearest(d: npt.NDArray[np.float64], k: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The k nearest by distance, then id."""
    order = np.argsort(d, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(d, order, 1)


def recall(found: npt.NDArray[Any], true_distances: npt.NDArray[Any], k: int) -> float:
    """Share of found distances (q, k) that are within the true k-th distance: ties count."""
    bound = np.sort(true_distances, axis=1)[:, k - 1 : k]
    return float((found[:, :k] <= bound * (1 + _TIE) + 1e-6).mean())


def relative_error(found: npt.NDArray[Any], true_distances: npt.NDArray[Any], k: int) -> float:
    """Mean of (found - true) / true over the k nearest, where true is not 0."""
    true = np.sort(true_distances, axis=1)[:, :k]
    positive = true > 0
    return float(((found[:, :k] - true)[positive] / true[positive]).mean())
