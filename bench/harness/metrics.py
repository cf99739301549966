"""Reference distances in double precision, by the names that the engines use."""

import numpy as np

ALIASES = {
    "l2": "euclidean",
    "l1": "manhattan",
    "taxicab": "manhattan",
    "linfinity": "chebyshev",
    "linfty": "chebyshev",
    "linf": "chebyshev",
}
# How many values of gathered rows are held at a time.
PAIR_VALUES = 1 << 22
PRODUCT = ("euclidean", "sqeuclidean", "cosine", "correlation")
SCIPY = {
    "euclidean": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "manhattan": "cityblock",
    "chebyshev": "chebyshev",
    "minkowski": "minkowski",
    "hamming": "hamming",
    "canberra": "canberra",
    "braycurtis": "braycurtis",
}


def canonical(metric: str) -> str:
    return ALIASES.get(metric, metric)


def is_known(metric: str) -> bool:
    """Whether an exact answer can be computed here to judge an engine against."""
    return canonical(metric) in {*PRODUCT, *SCIPY}


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, in double precision; zero rows stay zero."""
    rows = np.asarray(rows, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)


def prepared(rows: np.ndarray, metric: str) -> np.ndarray:
    """Rows in double precision on which ``block`` needs no further per-row work."""
    metric = canonical(metric)
    rows = np.asarray(rows, dtype=np.float64)
    if metric == "cosine":
        return unit_rows(rows)
    if metric == "correlation":
        return unit_rows(rows - rows.mean(axis=1, keepdims=True))
    return rows


def block(queries: np.ndarray, rows: np.ndarray, metric: str, p: float = 2.0) -> np.ndarray:
    """Distances q x n of *prepared* rows. Cosine and correlation are 1 - cos in 0..2."""
    metric = canonical(metric)
    if metric in ("cosine", "correlation"):
        return 1.0 - queries @ rows.T
    from scipy.spatial.distance import cdist

    options = {"p": p} if metric == "minkowski" else {}
    return cdist(queries, rows, SCIPY[metric], **options)


def paired(query: np.ndarray, rows: np.ndarray, metric: str, p: float = 2.0) -> np.ndarray:
    """Distances of one raw query to a few raw rows, in double precision."""
    return block(prepared(query[None, :], metric), prepared(rows, metric), metric, p)[0]


def of_pairs(
    queries: np.ndarray, rows: np.ndarray, ids: np.ndarray, metric: str, p: float = 2.0
) -> np.ndarray:
    """Distances q x k of each raw query to the raw rows that ``ids`` (q x k) names, in double
    precision."""
    name = canonical(metric)
    if name not in PRODUCT:
        pairs = zip(queries, ids, strict=True)
        return np.array([paired(query, rows[some], metric, p) for query, some in pairs])
    out = np.empty(ids.shape)
    step = max(1, PAIR_VALUES // (ids.shape[1] * rows.shape[1]))
    for i in range(0, len(ids), step):
        some = ids[i : i + step]
        near = prepared(rows[some.ravel()], metric).reshape(*some.shape, -1)
        query = prepared(queries[i : i + step], metric)[:, None, :]
        if name in ("cosine", "correlation"):
            out[i : i + step] = 1.0 - np.einsum(
                "qkd,qkd->qk", near, np.broadcast_to(query, near.shape)
            )
        else:
            squared = np.einsum("qkd,qkd->qk", near - query, near - query)
            out[i : i + step] = squared if name == "sqeuclidean" else np.sqrt(squared)
    return out
