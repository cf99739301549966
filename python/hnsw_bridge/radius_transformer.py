"""`RadiusNeighborsTransformer`: graphs of all rows within a distance, for scikit-learn.

    row i of transform(Y):    the fitted rows within the radius, ascending by distance
    row i of fit_transform:   the same of the fitted rows, each row itself first, at distance 0

Zeros are stored, as scikit-learn's ``metric="precomputed"`` needs them. Needs scikit-learn 1.6.
What may not enter: how rows are found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted, validate_data

from ._errors import InvalidArgument
from ._graph_transformer import SparseTransformer
from ._radius import RadiusHits, joined
from .transformers import MODES, ScikitParameters

_LEAST_NEIGHBORS = 2  # Of a graph that is never made.
_MOST_RESULTS = 1 << 24
_CELLS = 1 << 25  # Of one call, which the server must have room for, were all rows near.


class RadiusNeighborsTransformer(ScikitParameters, SparseTransformer):
    """``sklearn.neighbors.RadiusNeighborsTransformer`` on this engine, with its parameters by name.

    Parameters
    ----------
    mode : {"distance", "connectivity"}
        "connectivity" gives ones.
    radius : float
        Rows at that distance are within it.
    algorithm : {"auto", "exact", "hnsw", "brute", "kd_tree", "ball_tree"}
        "auto" finds at least `min_recall` of the rows, by whatever is faster; scikit-learn's three
        names mean "exact".
    leaf_size : int
        Accepted, without effect.
    metric : str
        A name of the engine's table, or scikit-learn's "cityblock", "infinity" and "p".
    p : float
        Of the minkowski metric; 1, 2 and inf are the manhattan, euclidean and chebyshev metrics.
    metric_params : dict, optional
        The metric's own parameters by name.
    n_jobs : int, optional
        Threads; None and -1 mean all cores.
    random_state : int, RandomState or None
        Seeds the engine.
    min_recall : float
        Least share of the rows within the radius that is found; 1 compares all rows.

    Attributes
    ----------
    index_ : HnswIndexWrapper
    effective_metric_ : str
    effective_metric_params_ : dict
    n_samples_fit_, n_features_in_ : int

    Examples
    --------
    >>> make_pipeline(RadiusNeighborsTransformer(radius=0.5), DBSCAN(metric="precomputed"))
    """

    def __init__(
        self,
        *,
        mode: str = "distance",
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        min_recall: float = 0.95,
    ) -> None:
        self.mode = mode
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.min_recall = min_recall

    def fit(self, X: Any, y: Any = None) -> RadiusNeighborsTransformer:  # noqa: N803
        """Take the rows in.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        ValueError
            For rows or parameters the index refuses.
        """
        self._check_words()
        rows = validate_data(self, X, accept_sparse="csr", dtype="numeric")
        self.index_ = self._make_index(rows, _LEAST_NEIGHBORS)
        self.n_samples_fit_ = self._n_features_out = rows.shape[0]
        return self

    def transform(self, X: Any) -> csr_matrix:  # noqa: N803 - scikit-learn's name
        """The weighted graph of the fitted rows within `radius` of each row of X.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_queries, n_samples_fit), float32
            The entries of a row ascend by distance; its columns are therefore not sorted.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For queries of another width, NaN or infinity.
        """
        return self.radius_neighbors_graph(X, mode=self.mode, sort_results=True)

    def fit_transform(self, X: Any, y: Any = None) -> csr_matrix:  # noqa: N803
        """`fit`, then the graph of the fitted rows, each row itself included."""
        return self.fit(X, y).transform(X)

    def radius_neighbors(
        self,
        X: Any = None,  # noqa: N803
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Indices and distances of the fitted rows within a distance of each row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), optional
            None means the fitted rows, each without itself.
        radius : float, optional
            Default: the one of the constructor.
        return_distance : bool
            False gives the indices alone.
        sort_results : bool
            Nearest first; otherwise by index.

        Returns
        -------
        (distances, indices) or indices
            Arrays of shape (n_queries,) of arrays: float32 and int32.
        """
        hits = self._within(X, radius, sort_results)
        indices = _as_arrays(hits.indices, hits.indptr)
        return (_as_arrays(hits.distances, hits.indptr), indices) if return_distance else indices

    def radius_neighbors_graph(
        self,
        X: Any = None,  # noqa: N803
        radius: float | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> csr_matrix:
        """As `radius_neighbors`, as a matrix of shape (n_queries, n_samples_fit)."""
        if mode not in MODES:
            raise InvalidArgument(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        hits = self._within(X, radius, sort_results)
        values = hits.distances if mode == "distance" else np.ones_like(hits.distances)
        shape = (len(hits), self.n_samples_fit_)
        return csr_matrix((values, hits.indices, hits.indptr), shape=shape, dtype=np.float32)

    def _within(self, rows: Any, radius: float | None, sort: bool) -> RadiusHits:
        check_is_fitted(self, "index_")
        asked: dict[str, Any] = {
            # The index counts a row itself as well.
            "max_results": min(self.n_samples_fit_, _MOST_RESULTS),
            "min_recall": self.min_recall,
            "sort": sort,
        }
        within = self.radius if radius is None else radius
        step = max(1, _CELLS // self.n_samples_fit_)
        if rows is None:
            ids = np.arange(self.n_samples_fit_)
            parts = (ids[start : start + step] for start in range(0, len(ids), step))
            search = self.index_.radius_search_by_id
            return _without(joined([search(part, within, **asked) for part in parts]), ids)
        queries = validate_data(self, rows, accept_sparse="csr", dtype="numeric", reset=False)
        parts = (queries[start : start + step] for start in range(0, queries.shape[0], step))
        return joined([self.index_.radius_search(part, within, **asked) for part in parts])


def _without(hits: RadiusHits, own: npt.NDArray[Any]) -> RadiusHits:
    """The hits of each query but the row of `own`."""
    counts = np.diff(hits.indptr)
    others = hits.indices != np.repeat(own, counts)
    indptr = np.concatenate(([0], np.cumsum(others)))[hits.indptr].astype(np.int32)
    kept = {"indices": hits.indices[others], "distances": hits.distances[others]}
    return RadiusHits(**{**hits.__dict__, **kept, "indptr": indptr})


def _as_arrays(values: npt.NDArray[Any], indptr: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
    """An array of one array for each query, as scikit-learn's."""
    out = np.empty(len(indptr) - 1, dtype=object)
    for i, part in enumerate(np.split(values, indptr[1:-1])):
        out[i] = part
    return out
