"""`HnswIndexWrapper`: PyNNDescent's index by name and behaviour, answered by the engine.

The wrapper keeps its own copy of the rows. They are what makes it outlive its server: when that is
gone, or after unpickling, the next call sends them again. Results are arrays that the caller owns.
What may not enter: frames, sockets, and how neighbours are found.
"""

from __future__ import annotations

import inspect
import os
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from . import _arrays, _container, _files, _metrics, _parameters
from ._callables import CallableIndex
from ._changes import Changes, checked_changes
from ._engine import EngineIndex, engine
from ._errors import InvalidArgument
from ._forms import BITS, DENSE, SPARSE, Form, Matrix, wide
from ._held import HeldIndex
from ._matrix import is_sparse
from ._protocol import Hits
from ._radius import RadiusSearch
from ._saved import COMMON, SavedIndex, write
from ._scan import Scan
from ._seed import draw_for_build, draw_for_update
from ._select import EngineFirst

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FAILED_TO_FIND = (
    "Failed to correctly find n_neighbors for some samples. There are {n} rows, and n_neighbors is "
    "{k} with the row itself included; missing neighbors are -1 at distance inf."
)


class HnswIndexWrapper(SavedIndex, RadiusSearch, metaclass=EngineFirst):
    """Nearest neighbours among the rows of a matrix; a drop-in for ``pynndescent.NNDescent``.

    Called with a metric that only PyNNDescent knows, with a callable metric and many rows, or where
    no server can be had, the call returns a ``pynndescent.NNDescent`` with a `FallbackWarning`;
    without pynndescent it raises.

    Parameters
    ----------
    data : array-like or scipy sparse matrix of shape (n, d)
        The rows, copied: as float32; as CSR where they are sparse; as uint8, eight bits in each,
        for the metrics ``bit_hamming`` and ``bit_jaccard``.
    metric : str or numba function
        A name or alias of the engine's table. A function compiled by ``numba.njit`` is called here,
        for all pairs, up to 16 384 rows; PyNNDescent answers above.
    metric_kwds : dict, optional
        The metric's own parameters, by name: ``p``, ``w``, ``V`` or ``sigma`` (variances), ``VI``
        or ``vinv`` (inverse covariance), ``cost``. For a function, its further arguments in order.
    n_neighbors : int
        Columns of `neighbor_graph`, the row itself included.
    n_trees, n_iters, max_candidates : int, optional
        Effort, mapped to HNSW's parameters by the engine.
    random_state : int, RandomState or None
        Seeds the engine. Draws the words that PyNNDescent draws, no more and no fewer. The same
        seed gives the same bytes, whatever `n_jobs` is.
    n_jobs : int, optional
        Threads; None and -1 mean all cores.
    compressed : bool
        Drop the neighbour graph when the index is prepared.
    quantization : {"binary", "uint8", "uint4", "int8"}, optional
        Codes to search with; distances are always those of the full rows.
    bit_metric, angular_trees : bool
        Of a function: it takes uint8 rows; `_angular_trees` is to be set.
    verbose : bool
        Say what is done, and show progress.
    leaf_size, pruning_degree_multiplier, diversify_prob, diversify_method, \
    degree_prune_aggressiveness, n_search_trees, search_tree_leaf_size, max_search_tree_depth, \
    tree_init, init_graph, init_dist, low_memory, max_rptree_depth, delta, \
    parallel_batch_queries, search_tree_leaf_budget
        Accepted, checked as PyNNDescent checks them, without effect: there are no trees here.

    Raises
    ------
    ValueError
        For wrong rows or values; `HnswError` subclasses with a stable ``code``.
    TypeError
        For an unknown keyword, here or in `metric_kwds`.

    Notes
    -----
    Making an index copies and sends the rows, O(n d). The neighbour graph and the search index are
    made when first needed. Instances may be used by several threads at once.
    """

    _RUNTIME: ClassVar[frozenset[str]] = HeldIndex._RUNTIME | {"random_state"}
    _NEEDED: ClassVar[frozenset[str]] = COMMON | {"compressed", "_graph_dropped"}

    # What methods here read; the other parameters are attributes too (see `as_attributes`).
    n_trees: int
    n_trees_after_update: int
    n_iters: int
    random_state: Any
    compressed: bool

    def __init__(
        self,
        data: Any,
        metric: Any = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_neighbors: int = 30,
        n_trees: int | None = None,
        leaf_size: int | None = None,
        pruning_degree_multiplier: float = 1.5,
        diversify_prob: float = 1.0,
        diversify_method: str = "standard",
        degree_prune_aggressiveness: float = 1.0,
        n_search_trees: int | None = None,
        search_tree_leaf_size: int | None = None,
        max_search_tree_depth: int | None = None,
        quantization: str | None = None,
        tree_init: bool = True,
        init_graph: Any = None,
        init_dist: Any = None,
        random_state: Any = None,
        low_memory: bool = True,
        max_candidates: int | None = None,
        max_rptree_depth: int = 200,
        n_iters: int | None = None,
        delta: float = 0.001,
        n_jobs: int | None = None,
        compressed: bool = False,
        parallel_batch_queries: bool = False,
        verbose: bool = False,
        bit_metric: bool = False,
        angular_trees: bool = False,
        search_tree_leaf_budget: int = 1,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "data")}
        self._is_sparse = is_sparse(data)
        self._form_name, self._angular_trees = self._form_and_angle(metric, given)
        self._rows = self._form.stored(data)
        n, self.dim = self._rows.shape
        asked = {name: given[name] for name in ("n_trees", "n_iters", "max_candidates")}
        self._effort = {name: int(value) for name, value in asked.items() if value}
        self._engine_options = _parameters.forced_options()
        self.__dict__.update(_parameters.as_attributes(given, n))
        self._graph_dropped = False
        self._closed = False
        self._start_unconnected()
        if verbose:
            effort = f"{self.n_trees} trees, {self.n_iters} iterations"
            print(f"hnsw-bridge: indexing {n} rows, effort as of {effort}")
        self.rng_state, self.search_rng_state, self._seed = draw_for_build(random_state)
        self._remote_index = self._build()
        self._warn_if_short()

    # ------------------------------------------------------------------ products

    @property
    def neighbor_graph(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]] | None:
        """Indices and distances of every row's `n_neighbors` nearest, the row itself first.

        Returns
        -------
        (indices, distances), or None after `compress_index`
            int32 and float32, both (n, n_neighbors), ascending by distance; -1 and inf where there
            are fewer rows. Fresh copies, computed once.
        """
        with self._lock:
            if self._graph_dropped:
                warnings.warn(
                    "Compressed indexes do not have neighbor graph information.", stacklevel=2
                )
                return None
            indices, distances = self._copied_graph()
            return indices, distances

    def query(
        self,
        query_data: Any,
        k: int = 10,
        epsilon: float = 0.1,
        proxy_beam_size: int | None = None,
        candidate_width: int | None = None,
        rerank_width: int | None = None,
        return_distances: bool = True,
        pre_normalized: bool = False,
    ) -> Any:
        """The `k` nearest rows of each query.

        Parameters
        ----------
        query_data : array-like or scipy sparse matrix of shape (q, d)
            Sparse only where the rows are.
        k : int
            0 gives empty results; above the number of rows the rest is -1 at distance inf.
        epsilon : float
            Effort: more finds more. Below 0 counts as 0.
        return_distances : bool
            False gives the indices alone.
        pre_normalized : bool
            The queries have unit length; only for dense cosine, direct_cosine and dot.
        proxy_beam_size, candidate_width, rerank_width
            Without effect; the widths are checked where PyNNDescent uses them.

        Returns
        -------
        (indices, distances) or indices
            int32 and float32, both (q, k), ascending by distance; the caller's own.

        Raises
        ------
        ValueError
            For queries that are not 2-D, not d wide or not finite, and for a negative `k`.
        ServerDied
            When the server goes away meanwhile. The next call starts another.
        """
        count = _parameters.as_count(k, "k", 0)
        if pre_normalized and (self._is_sparse or self.metric not in _metrics.NORMALISED):
            raise InvalidArgument(
                "pre_normalized is only supported for dense cosine, direct_cosine and dot"
            )
        if self.quantization is not None or str(self.metric).startswith("proxy_"):
            _parameters.check_widths(count, candidate_width, rerank_width)
        effort = {"epsilon": _parameters.effort(epsilon)}
        hits = self._found(query_data, "query_data", count, effort)
        self._was_prepared()
        return (hits.indices, hits.distances) if return_distances else hits.indices

    def query_indices(self, query_data: Any, *args: Any, **kwargs: Any) -> npt.NDArray[np.int32]:
        """As `query`, the indices alone."""
        indices: npt.NDArray[np.int32] = self.query(
            query_data, *args, **{**kwargs, "return_distances": False}
        )
        return indices

    def prepare(self, compile_search: bool = False) -> None:
        """Build the search index now, not at the first query. `compile_search` does nothing."""
        with self._lock:
            self._prepare()
            self._was_prepared()

    def compress_index(self) -> None:
        """Prepare, then drop the neighbour graph: `neighbor_graph` is None from now on."""
        with self._lock:
            self.prepare()
            self.compressed = True
            self._was_prepared()

    # ------------------------------------------------------------------ changes

    def update(
        self, xs_fresh: Any = None, xs_updated: Any = None, updated_indices: Any = None
    ) -> None:
        """Replace rows, then append rows. After any error, and after Ctrl-C, nothing has changed.

        Parameters
        ----------
        xs_fresh : array-like or sparse matrix of shape (f, d), optional
            Appended as ids n, n + 1, ...
        xs_updated : array-like or sparse matrix of shape (u, d), optional
            Take the places named by `updated_indices`.
        updated_indices : sequence of u ints, optional
            Negative ones count from the end; of a repeated one the last row wins.

        Raises
        ------
        ValueError
            For rows of a wrong shape or not finite, lengths that differ, indices that are not
            integers, and for a compressed index.
        IndexError
            For an index outside the rows.
        """
        with self._lock:
            if self._graph_dropped:
                raise InvalidArgument("a compressed index cannot be updated")
            shape = self._stored().shape
            changes = checked_changes(xs_fresh, xs_updated, updated_indices, self._form, shape)
            if changes is not None:
                self._apply(changes, self._remote())
            draw_for_update(self.random_state)
            self.n_trees = self.n_trees_after_update

    @property
    def _raw_data(self) -> Matrix:
        """The rows by PyNNDescent's name. From then on they are kept as they are handed out."""
        with self._lock:
            if "_rows" not in self.__dict__:
                raise AttributeError("this index has no rows: set its _raw_data")
            self._rows = wide(self._rows)
            return self._rows

    @_raw_data.setter
    def _raw_data(self, rows: Matrix) -> None:
        self._rows = rows

    @_raw_data.deleter
    def _raw_data(self) -> None:
        del self._rows

    def _form_and_angle(self, metric: Any, given: dict[str, Any]) -> tuple[str, bool]:
        """The name of the form that rows are stored in, and whether UMAP searches for longer."""
        offered: tuple[str, ...] = ()
        if callable(metric):
            dense_or_bits = BITS if given["bit_metric"] else DENSE
            form: Form = SPARSE if self._is_sparse else dense_or_bits
            angular = bool(given["angular_trees"])
        else:
            known = _metrics.find_metric(metric, engine().greeting)
            form = _metrics.form_for(known, metric, self._is_sparse)
            angular, offered = known.angular, known.quantizations
        _metrics.check_quantization(given["quantization"], metric, offered, form)
        return form.name, angular

    def _was_prepared(self) -> None:
        """A compressed index loses its graph when it is prepared, by whatever call."""
        with self._lock:
            if self.compressed:
                self._graph, self._graph_dropped = None, True

    def _shown(self, hits: Hits) -> Hits:
        """PyNNDescent's cosine knows no distance above 1; missing neighbours stay at inf."""
        if self.metric == "cosine":
            _arrays.cap(hits.distances, hits.indices, 1)
        return hits

    def _warn_if_short(self) -> None:
        n = self._rows.shape[0]
        if n <= self.n_neighbors:
            warnings.warn(_FAILED_TO_FIND.format(n=n, k=self.n_neighbors), stacklevel=4)

    def _build(self) -> EngineIndex:
        if not callable(self.metric):
            return super()._build()
        values = tuple(dict(self.metric_kwds or {}).values())
        scan = Scan(self.metric, values, self.n_jobs)
        return CallableIndex(wide(self._stored()), self._form, scan, self.n_neighbors)

    def _apply(self, changes: Changes, remote: EngineIndex) -> None:
        super()._apply(changes, remote)
        self._warn_if_short()

    # ------------------------------------------------------------------ persistence

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file: rows, products, and the attributes of this object.

        The file is there as a whole or not at all, over what was there before. It is the engine's
        own format (docs/file-format.md): TypeScript loads it too. Prepares the index. O(bytes).

        Raises
        ------
        FileError
            What the system says of the file; also an ``OSError``.
        ValueError
            For an index with a function as its metric, or a parameter that no file holds.
        """
        write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HnswIndexWrapper:
        """The index in a file of `save`, `Index.save`, or TypeScript's `save`. O(bytes).

        Every byte is compared with a checksum, here and by the engine; nothing in the file is run.

        Raises
        ------
        FileError
            What the system says of the file.
        CorruptFile, UnsupportedVersion
            For a file that is no index, is damaged, or was written by a newer release.
        """
        return cls._of_bytes(_files.read(path))

    @classmethod
    def _attributes_of(cls, loaded: _files.Loaded) -> dict[str, Any]:
        """Those in the file; the defaults where it was written by another client or an `Index`."""
        attributes = loaded.attributes
        if attributes is not None and "compressed" in attributes:
            return {"random_state": None, **attributes}
        return {"random_state": None, **_defaults(loaded.shape), **(attributes or {})}

    def _before_saving(self) -> None:
        self.prepare()

    def _take_random_state(self, random_state: Any) -> None:
        self.random_state = random_state


def _defaults(shape: _container.Shape) -> dict[str, Any]:
    """The attributes of an index that another client saved: the defaults, but for what it is."""
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(HnswIndexWrapper.__init__).parameters.items()
        if name not in ("self", "data")
    }
    given["metric"] = shape.metric
    rng_state, search_rng_state, seed = draw_for_build(0)
    known = _metrics.find_metric(shape.metric, engine().greeting)
    return {
        **_parameters.as_attributes(given, shape.rows),
        "dim": shape.dim,
        "_form_name": shape.form,
        "_is_sparse": shape.form == "sparse",
        "rng_state": rng_state,
        "search_rng_state": search_rng_state,
        "_seed": seed,
        "_effort": {},
        "_engine_options": {},
        "_graph_dropped": False,
        "_closed": False,
        "_angular_trees": known.angular,
    }


def load(path: str | os.PathLike[str]) -> HnswIndexWrapper:
    """The index in a file: `HnswIndexWrapper.load`."""
    return HnswIndexWrapper.load(path)
