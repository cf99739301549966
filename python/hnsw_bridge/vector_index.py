"""`Index`: the engine's index under the names of its own API, as TypeScript's `HnswIndex` has them.

    rows, options         _taken          queries               _queries
    files, bytes          _stored         rows by their ids     _deletes
    rows within a radius  _radius

`HnswIndexWrapper` offers the same engine under PyNNDescent's names; both are `SavedIndex`. What may
not enter: how rows are held, sent and kept, and PyNNDescent's rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _parameters
from ._changes import checked_changes
from ._deletes import Deletes
from ._numpy import np
from ._progress import progress_bar
from ._protocol import Hits
from ._queries import Queries
from ._radius import RadiusSearch
from ._stored import StoredIndex
from ._taken import Making

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt


class Index(Queries, Deletes, StoredIndex, RadiusSearch):
    """Nearest neighbours among the rows of a matrix.

    Parameters
    ----------
    rows : array-like or scipy sparse matrix of shape (n, d)
        Copied: as float32; as CSR where they are sparse; as uint8, eight bits in each, for the
        metrics ``bit_hamming`` and ``bit_jaccard``.
    metric : str
        A name or alias of the engine's table (docs/metrics.md).
    metric_kwds : dict, optional
        The metric's own parameters, by name: ``p``, ``w``, ``sigma``, ``vinv``, ``cost``.
    n_neighbors : int
        Columns of `neighbor_graph`, the row itself included.
    preset : {"latency", "balanced", "throughput", "recall"}, optional
        `m`, `ef_construction` and `ef` for an aim; what is given besides counts instead.
    m, ef_construction : int, optional
        Links per row, and candidates looked at for them; by default from the number of rows.
    ef : int, optional
        Width of the search pool of queries that set none; by default from `k` and `epsilon`.
    algorithm : {"auto", "exact", "hnsw"}, optional
        What answers; "auto", the default, picks by size, width and cores.
    graph_recall : float, optional
        Least recall of an approximate neighbour graph, 0.5 to 1; 0.99 by default.
    max_candidates, n_iters, n_trees : int, optional
        PyNNDescent's effort, mapped to HNSW's parameters.
    seed : int
        0 to 2^64 - 1. The same seed gives the same bytes, whatever `n_threads` is.
    quantization : {"binary", "uint8", "uint4", "int8"}, optional
        Codes to search with; distances are always those of the full rows.
    n_threads : int, optional
        Threads of each call; all cores by default.
    verbose : bool
        Show progress.

    Raises
    ------
    ValueError
        For wrong rows or values; `HnswError` subclasses with a stable ``code``.
    TypeError
        For an unknown name in `metric_kwds`.
    EngineUnavailable
        Where no server can be had. Nobody answers in its place.

    Notes
    -----
    Making an index copies and sends the rows, O(n d). The neighbour graph and the search index are
    made when first needed. Instances may be used by several threads at once, outlive their server,
    and can be pickled. Where there is no numpy, arrays are memoryviews.

    Examples
    --------
    >>> with Index(rows, metric="cosine", n_neighbors=15) as index:
    ...     indices, distances = index.query(queries, 10)
    """

    def __init__(
        self,
        rows: Any,
        *,
        metric: str = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_neighbors: int = 30,
        preset: str | None = None,
        m: int | None = None,
        ef_construction: int | None = None,
        ef: int | None = None,
        algorithm: str | None = None,
        graph_recall: float | None = None,
        max_candidates: int | None = None,
        n_iters: int | None = None,
        n_trees: int | None = None,
        seed: int = 42,
        quantization: str | None = None,
        n_threads: int | None = None,
        verbose: bool = False,
    ) -> None:
        making = Making(
            metric=metric,
            metric_kwds=metric_kwds,
            n_neighbors=n_neighbors,
            seed=seed,
            quantization=quantization,
            n_threads=n_threads,
            verbose=verbose,
            engine={
                "preset": preset,
                "m": m,
                "ef_construction": ef_construction,
                "ef": ef,
                "algorithm": algorithm,
                "graph_recall": graph_recall,
                "max_candidates": max_candidates,
                "n_iters": n_iters,
                "n_trees": n_trees,
            },
        )
        self._take_rows(rows, making)
        self._remote_index = self._build()

    # ------------------------------------------------------------------ what it is

    @property
    def size(self) -> int:
        """Rows."""
        return int(self._stored().shape[0])

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        """True, also when closed and without rows."""
        return True

    @property
    def form(self) -> str:
        """How rows are stored: ``dense``, ``sparse`` or ``bits``."""
        return self._form_name

    @property
    def parameters(self) -> dict[str, Any]:
        """The effective parameters: ``m``, ``ef_construction``, and what they were made of."""
        return self.engine_parameters

    # ------------------------------------------------------------------ products

    def neighbor_graph(self) -> Hits:
        """Every row's `n_neighbors` nearest, the row itself first.

        Returns
        -------
        Hits : (indices, distances)
            int32 and float32, both (n, n_neighbors), ascending by distance, ties by id; -1 and inf
            where there are fewer rows. The caller's own; computed once.
        """
        return self._copied_graph()

    def rebuild(self, m: int | None = None, ef_construction: int | None = None) -> None:
        """Build the search index anew, with other links where `m` or `ef_construction` are given.

        What many updates have worn is as after a first build; ids stay. O(n log n) distances. On
        error, and after Ctrl-C, nothing has changed.

        Raises
        ------
        ValueError
            For an `m` or `ef_construction` out of range.
        """
        given = {"m": m, "ef_construction": ef_construction}
        options = {
            name: _parameters.as_count(value, name, 1)
            for name, value in given.items()
            if value is not None
        }
        with self._lock, progress_bar(self.verbose) as listener:
            remote = self._at_server("rebuild")
            remote.rebuild(options, listener)
            self._keep_effort_of(remote)

    def prepare(self, *, radius: bool = False) -> None:
        """Build the search index now, not at the first query; with `radius` also `prepare_radius`.

        O(n log n) distances.
        """
        self._prepare()
        if radius:
            self.prepare_radius()

    # ------------------------------------------------------------------ changes

    def update(
        self, fresh: Any = None, updated: Any = None, updated_indices: Any = None
    ) -> npt.NDArray[np.int32]:
        """Replace rows, then append rows. After any error, and after Ctrl-C, nothing has changed.

        Parameters
        ----------
        fresh : array-like or sparse matrix of shape (f, d), optional
            Appended; they get the next ids: n, n + 1, ... until rows have been deleted.
        updated : array-like or sparse matrix of shape (u, d), optional
            Take the places of the rows `updated_indices`.
        updated_indices : sequence of u ints, optional
            Ids; of a repeated one the last row wins. Until rows have been deleted negative ones
            count from the end.

        Returns
        -------
        ndarray of int32
            The ids of the appended rows.

        Raises
        ------
        ValueError
            For rows of a wrong shape or not finite, and lengths that differ.
        IndexError, KeyError
            For an index outside the rows, an id that no row has.
        """
        with self._lock:
            shape, names = self._stored().shape, self._ids
            if names is not None and updated is not None and updated_indices is not None:
                updated_indices = names.positions(updated_indices, "updated_indices")
            changes = checked_changes(fresh, updated, updated_indices, self._form, shape, "")
            first = shape[0] if names is None else names.next_id
            if changes is not None:
                self._apply(changes, self._remote())
            count = 0 if changes is None or changes.fresh is None else changes.fresh.shape[0]
            return np.arange(first, first + count, dtype=np.int32)

    # ------------------------------------------------------------------ its health and its end

    def verify(self) -> dict[str, Any]:
        """Look at everything the engine holds: rows, links, what is reachable. O(n d + links).

        Returns
        -------
        dict
            ``sound``, ``problems`` in words for people, ``rows``, and of the search index, where
            there is one, ``links``: ``degrees`` (rows by their number of links), ``levels``,
            ``asymmetric``, ``out_of_range``, ``unreachable``.
        """
        return self._remote().verify()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        n = self._stored().shape[0]
        state = ", closed" if self._closed else ""
        return f"<Index of {n} x {self.dim} {self._form_name} rows, {self.metric}{state}>"
