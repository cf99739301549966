"""Neighbour graphs as scikit-learn transformers: `PyNNDescentTransformer`, `KNeighborsTransformer`.

Each takes the place of its namesake, in pynndescent or in scikit-learn: the parameters are theirs.
The matrix is described in `_graph_transformer`, which does the work. What may not enter: anything
but parameters and what they mean to the index. Needs scikit-learn 1.6.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from ._errors import InvalidArgument
from ._graph_transformer import GraphTransformer, QuietIndex
from ._parameters import options

MODES = ("distance", "connectivity")
ALGORITHMS = {
    "auto": "auto",
    "exact": "exact",
    "hnsw": "hnsw",
    "brute": "exact",
    "kd_tree": "exact",  # scikit-learn's trees are exact too.
    "ball_tree": "exact",
}
_SKLEARN_METRICS = {"cityblock": "manhattan", "infinity": "chebyshev", "p": "minkowski"}
_MINKOWSKI = {1: "manhattan", 2: "euclidean", inf: "chebyshev"}


class PyNNDescentTransformer(GraphTransformer):
    """``pynndescent.PyNNDescentTransformer`` on this engine, with its parameters in its order.

    Parameters
    ----------
    n_neighbors : int
        Neighbours of each row, the row itself not counted.
    metric, metric_kwds, random_state, n_jobs, verbose
        As in `HnswIndexWrapper`.
    search_epsilon : float
        Effort of `transform` for new rows: more finds more.
    n_trees, max_candidates, n_iters : int, optional
        Effort of the graph, mapped to HNSW's parameters.
    leaf_size, pruning_degree_multiplier, diversify_prob, n_search_trees, tree_init, low_memory, \
    early_termination_value, parallel_batch_queries
        Accepted, without effect: there are no trees here.

    Attributes
    ----------
    index_ : HnswIndexWrapper
    n_samples_fit_, n_features_in_ : int

    Examples
    --------
    >>> make_pipeline(PyNNDescentTransformer(n_neighbors=5), Isomap(metric="precomputed"))
    """

    def __init__(
        self,
        n_neighbors: int = 30,
        metric: Any = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_trees: int | None = None,
        leaf_size: int | None = None,
        search_epsilon: float = 0.1,
        pruning_degree_multiplier: float = 1.5,
        diversify_prob: float = 1.0,
        n_search_trees: int | None = None,
        tree_init: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        low_memory: bool = True,
        max_candidates: int | None = None,
        n_iters: int | None = None,
        early_termination_value: float = 0.001,
        parallel_batch_queries: bool = False,
        verbose: bool = False,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.metric_kwds = metric_kwds
        self.n_trees = n_trees
        self.leaf_size = leaf_size
        self.search_epsilon = search_epsilon
        self.pruning_degree_multiplier = pruning_degree_multiplier
        self.diversify_prob = diversify_prob
        self.n_search_trees = n_search_trees
        self.tree_init = tree_init
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.low_memory = low_memory
        self.max_candidates = max_candidates
        self.n_iters = n_iters
        self.early_termination_value = early_termination_value
        self.parallel_batch_queries = parallel_batch_queries
        self.verbose = verbose

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any = None,
        compress_index: bool = True,
    ) -> PyNNDescentTransformer:
        """Take the rows in. The graph is made when it is first asked for.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : ignored
        compress_index : bool
            Accepted, without effect: `transform` without rows works either way.

        Raises
        ------
        ValueError
            For rows or parameters the index refuses.
        """
        self._fit(X)
        return self

    def _make_index(self, rows: Any, n_neighbors: int) -> Any:
        given = self.get_params(deep=False)
        given["delta"] = given.pop("early_termination_value")
        del given["search_epsilon"]
        return QuietIndex(rows, **{**given, "n_neighbors": n_neighbors})


class ScikitParameters:
    """scikit-learn's parameters of its neighbour transformers, and the index that follows."""

    mode: str
    algorithm: str
    n_jobs: int | None
    random_state: Any

    metric: Any
    p: float
    metric_params: dict[str, Any] | None

    def _check_words(self) -> None:
        for name, allowed in (("mode", MODES), ("algorithm", tuple(ALGORITHMS))):
            given = getattr(self, name)
            if given not in allowed:
                raise InvalidArgument(f"{name} must be one of {', '.join(allowed)}, got {given!r}")

    def _make_index(self, rows: Any, n_neighbors: int) -> Any:
        self.effective_metric_, self.effective_metric_params_ = self._effective_metric()
        forced = ALGORITHMS[self.algorithm]
        with options(**({} if forced == "auto" else {"algorithm": forced})):
            return QuietIndex(
                rows,
                self.effective_metric_,
                self.effective_metric_params_,
                n_neighbors,
                random_state=self.random_state,
                n_jobs=self.n_jobs,
            )

    def _effective_metric(self) -> tuple[Any, dict[str, Any]]:
        kwds = dict(self.metric_params or {})
        if callable(self.metric):
            return self.metric, kwds
        name = _SKLEARN_METRICS.get(self.metric, self.metric)
        if name != "minkowski":
            return name, kwds
        p = kwds.pop("p", self.p)
        if "w" in kwds:
            return "wminkowski", {"w": kwds.pop("w"), "p": p, **kwds}
        return (_MINKOWSKI[p], kwds) if p in _MINKOWSKI else (name, {"p": p, **kwds})


class KNeighborsTransformer(ScikitParameters, GraphTransformer):
    """``sklearn.neighbors.KNeighborsTransformer`` on this engine, with its parameters by name.

    Parameters
    ----------
    mode : {"distance", "connectivity"}
        "connectivity" gives ones, and as in scikit-learn `n_neighbors` entries in each row.
    n_neighbors : int
        Neighbours of each row, the row itself not counted.
    algorithm : {"auto", "exact", "hnsw", "brute", "kd_tree", "ball_tree"}
        "auto" picks by size, width and cores; scikit-learn's three names mean "exact".
    leaf_size : int
        Accepted, without effect.
    metric : str or numba function
        A name of the engine's table, or scikit-learn's "cityblock", "infinity" and "p".
    p : float
        Of the minkowski metric; 1, 2 and inf are the manhattan, euclidean and chebyshev metrics.
    metric_params : dict, optional
        The metric's own parameters by name.
    n_jobs : int, optional
        Threads; None and -1 mean all cores.
    random_state : int, RandomState or None
        Seeds the engine, which is exact for small data and then does not depend on it.
    search_epsilon : float
        Effort of `transform` for new rows: more finds more.

    Attributes
    ----------
    index_ : HnswIndexWrapper
    effective_metric_ : str
    effective_metric_params_ : dict
    n_samples_fit_, n_features_in_ : int
    """

    def __init__(
        self,
        *,
        mode: str = "distance",
        n_neighbors: int = 5,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        search_epsilon: float = 0.1,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.search_epsilon = search_epsilon

    def fit(self, X: Any, y: Any = None) -> KNeighborsTransformer:  # noqa: N803
        """Take the rows in. The graph is made when it is first asked for.

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
        self._fit(X)
        return self

    def _matrix(
        self, indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]
    ) -> csr_matrix:
        if self.mode == "connectivity":
            width = min(int(self.n_neighbors), self.n_samples_fit_)
            indices, distances = indices[:, :width], np.ones_like(distances[:, :width])
        return super()._matrix(indices, distances)
