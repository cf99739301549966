"""`Index`: the engine's index under the names of its own API, as TypeScript's `HnswIndex` has them.

`HnswIndexWrapper` offers the same engine under PyNNDescent's names; both are `SavedIndex`. A family
of methods is a mixin in a file of its own, as `RadiusSearch` is. What may not enter: how rows are
held, sent and kept, and PyNNDescent's rules.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import _files, _metrics, _parameters, interchange
from ._changes import checked_changes
from ._deletes import Deletes
from ._engine import engine
from ._errors import InvalidArgument
from ._filters import filter_bits
from ._matrix import is_sparse
from ._numpy import np
from ._progress import progress_bar
from ._protocol import Header, Hits
from ._radius import RadiusSearch
from ._remote import RemoteIndex
from ._saved import COMMON, SavedIndex, write

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt

_COUNTS = ("m", "ef_construction", "ef", "max_candidates", "n_iters", "n_trees")


class Index(Deletes, SavedIndex, RadiusSearch):
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
        given: dict[str, Any] = {
            "preset": preset,
            "m": m,
            "ef_construction": ef_construction,
            "ef": ef,
            "algorithm": algorithm,
            "graph_recall": graph_recall,
            "max_candidates": max_candidates,
            "n_iters": n_iters,
            "n_trees": n_trees,
        }
        others: dict[str, Any] = {
            "metric": metric,
            "metric_kwds": metric_kwds,
            "n_neighbors": n_neighbors,
            "seed": seed,
            "quantization": quantization,
            "n_threads": n_threads,
            "verbose": verbose,
        }
        self._take_rows(rows, given, **others)
        self._remote_index = self._build()

    def _take_rows(
        self,
        rows: Any,
        given: dict[str, Any],
        *,
        metric: str,
        metric_kwds: dict[str, Any] | None,
        n_neighbors: int,
        seed: int,
        quantization: str | None,
        n_threads: int | None,
        verbose: bool,
    ) -> None:
        """Check and keep rows and options; the engine has nothing of them yet."""
        known = _metrics.find_metric(metric, engine().greeting)
        self._is_sparse = is_sparse(rows)
        form = _metrics.form_for(known, metric, self._is_sparse)
        _metrics.check_quantization(quantization, metric, known.quantizations, form)
        _parameters.check_threads(n_threads, "n_threads")
        self._form_name = form.name
        self._rows = form.stored(rows)
        _, self.dim = self._rows.shape
        self.metric, self.metric_kwds = metric, metric_kwds
        self.n_neighbors = _parameters.as_count(n_neighbors, "n_neighbors", 1)
        self.n_jobs, self.quantization, self.verbose = n_threads, quantization, verbose
        self._seed = _parameters.as_count(seed, "seed", 0)
        self._effort = {}
        self._engine_options = {**_parameters.forced_options(), **_checked(given)}
        self._closed = False
        self._start_unconnected()

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

    def query(
        self,
        queries: Any,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: Any = None,
        min_recall: float | None = None,
        ef_steps: Any = None,
        until_distance: float | None = None,
        until_similarity: float | None = None,
    ) -> Hits:
        """The `k` nearest rows of each query.

        Parameters
        ----------
        queries : array-like or scipy sparse matrix of shape (q, d)
            Sparse only where the rows are.
        k : int
            0 gives empty results; above the number of rows the rest is -1 at distance inf.
        epsilon : float, optional
            PyNNDescent's effort knob: more finds more. 0.1 by default; below 0 counts as 0.
        ef : int, optional
            Width of the search pool; overrules `epsilon`. At least `k` is used.
        filter : array-like of bool or of ids, or callable, optional
            Rows that may be returned: a bool for each row, their ids, or a function of all ids (an
            int32 array) that gives a bool for each. Always min(k, matches) rows are found.
        min_recall : float, optional
            Least mean recall, in the place of `epsilon` and `ef`: each query looks as far as a rule
            says that reached this on sampled rows; 1 compares all rows.
        ef_steps : sequence of int, optional
            Widths that are tried one after the other until the best row is near enough ...
        until_distance, until_similarity : float, optional
            ... that is, at most this far, or at least as similar (1 less the distance under cosine,
            correlation, jaccard, dice and hamming; the product under inner_product).

        Returns
        -------
        Hits : (indices, distances)
            int32 and float32, both (q, k), ascending by distance, ties by id; the caller's own.

        Raises
        ------
        ValueError
            For queries that are not 2-D, not d wide or not finite, and for a wrong `k` or `ef`.
        ServerDied
            When the server goes away meanwhile. The next call starts another.
        """
        effort = _asked(epsilon, ef, min_recall, ef_steps, until_distance, until_similarity)
        return self._ask(queries, k, effort, filter)[0]

    def profile(
        self,
        queries: Any,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
        filter: Any = None,
        min_recall: float | None = None,
        ef_steps: Any = None,
        until_distance: float | None = None,
        until_similarity: float | None = None,
    ) -> tuple[Hits, dict[str, Any]]:
        """`query`, and what it did; at most 10 000 queries.

        Returns
        -------
        hits : Hits
        profile : dict
            ``way`` (exact or hnsw), ``codes``, ``levels``; ``visited`` rows, ``distances`` computed
            and ``hops``, int32 arrays of a number for each query; ``ms`` for what was made
            ``ready``, to ``transform`` and to ``search``; with `ef_steps` ``ef_used``, the width
            that was enough.
        """
        effort = _asked(epsilon, ef, min_recall, ef_steps, until_distance, until_similarity)
        hits, told = self._ask(queries, k, {**effort, "profile": True}, filter)
        profile = dict(told["profile"])
        counts = {name: profile[name] for name in ("visited", "distances", "hops")}
        if "ef_used" in told:
            counts["ef_used"] = told["ef_used"]
        profile.update({name: np.asarray(count, np.int32) for name, count in counts.items()})
        return hits, profile

    def _ask(self, queries: Any, k: int, effort: Header, filter: Any) -> tuple[Hits, Header]:
        if filter is not None:
            effort["filter"] = filter_bits(filter, self._names())
        count = _parameters.as_count(k, "k", 0)
        if "profile" not in effort:
            return self._found(queries, "queries", count, effort), {}
        rows = self._form.given(queries, self.dim, "queries")
        with progress_bar(self.verbose) as listener:
            return self._searching().ask(rows, count, effort, listener)

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
            remote = self._searching()
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

    # ------------------------------------------------------------------ files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file: rows, products and parameters.

        The file is there as a whole or not at all, over what was there before. It is the engine's
        own format (docs/file-format.md): TypeScript loads it too. Prepares the index. O(bytes).

        Raises
        ------
        FileError
            What the system says of the file; also an ``OSError``.
        """
        write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = False) -> Index:
        """The index in a file of `save`, of `HnswIndexWrapper.save`, or of TypeScript's. O(bytes).

        Parameters
        ----------
        path : path
        mmap : bool
            Look at the file where it lies, without a copy of it in this process' memory. It must
            not be changed meanwhile; `save` never does that.

        Raises
        ------
        FileError
            What the system says of the file.
        CorruptFile, UnsupportedVersion
            For a file that is no index, is damaged, or was written by a newer release. Every byte
            is compared with a checksum, here and by the engine; nothing in the file is run.
        """
        if not mmap:
            return cls._of_bytes(_files.read(path))
        with _files.mapped(path) as data:
            return cls._of_bytes(data)

    @classmethod
    def import_hnswlib(
        cls,
        path: str | os.PathLike[str],
        *,
        metric: str = "euclidean",
        metric_kwds: dict[str, Any] | None = None,
        n_neighbors: int = 30,
        ef: int | None = None,
        algorithm: str | None = None,
        graph_recall: float | None = None,
        seed: int = 42,
        quantization: str | None = None,
        n_threads: int | None = None,
        verbose: bool = False,
    ) -> tuple[Index, npt.NDArray[np.uint64]]:
        """The index in a file of hnswlib (``save_index``, float32 rows), with its links. O(bytes).

        Parameters
        ----------
        path : path
        metric : str
            The file does not say by which metric it was made: hnswlib's ``l2`` is ``sqeuclidean``,
            ``ip`` ``inner_product``, ``cosine`` ``cosine``.
        metric_kwds, n_neighbors, ef, algorithm, graph_recall, seed, quantization
            As for `Index`. `m` and `ef_construction` are the file's.
        n_threads, verbose
            As for `Index`.

        Returns
        -------
        index : Index
            Without the rows that were marked as deleted; where there are some, the others are
            linked anew when first needed.
        labels : ndarray of uint64, shape (n,)
            The label of each row. Results name rows by their ids, 0 to n - 1.

        Raises
        ------
        FileError
            What the system says of the file.
        CorruptFile
            For a file that is not hnswlib's, or whose rows are not float32.
        ValueError
            For wrong options, as `Index` does; where the engine cannot import.

        Examples
        --------
        >>> index, labels = Index.import_hnswlib("items.bin", metric="cosine")
        >>> labels[index.query(queries, 10).indices]
        """
        greeting = engine().greeting
        if "import_hnswlib" not in greeting.features:
            raise InvalidArgument(f"{greeting.server} cannot import files of hnswlib here")
        data = _files.read(path)
        rows = interchange.hnswlib_table(path, data).rows
        given = {"ef": ef, "algorithm": algorithm, "graph_recall": graph_recall}
        others: dict[str, Any] = {
            "metric": metric,
            "metric_kwds": metric_kwds,
            "n_neighbors": n_neighbors,
            "seed": seed,
            "quantization": quantization,
            "n_threads": n_threads,
            "verbose": verbose,
        }
        index = cls.__new__(cls)
        index._take_rows(rows, given, **others)
        with progress_bar(verbose) as listener:
            remote, labels = engine().import_hnswlib(data, index._wire_options(), listener)
        index._keep_effort_of(remote)
        index._remote_index = remote
        return index, labels

    def dump(self) -> bytearray:
        """What `save` writes, as bytes. O(bytes)."""
        with self._lock:
            return self._dumped()

    @classmethod
    def restore(cls, data: bytes | bytearray | memoryview) -> Index:
        """The index that `dump` or a file gave. Raises as `load` does. O(bytes)."""
        return cls._of_bytes(data)

    def recall(
        self,
        sample: int = 1000,
        k: int = 10,
        *,
        epsilon: float | None = None,
        ef: int | None = None,
    ) -> dict[str, Any]:
        """What single queries at this effort find, against exact answers. O(sample n d).

        Parameters
        ----------
        sample : int
            Rows that are asked for their nearest others.
        k : int
            Neighbours of each, the row itself not counted.
        epsilon, ef
            As in `query`.

        Returns
        -------
        dict
            ``recall`` with ``low`` and ``high`` (95 %), ``distance_error`` or None, ``ms`` a query,
            ``exact`` (all rows are compared), ``sample``, ``k``, ``ef``.
        """
        asked = {**_effort(epsilon, ef), "sample": _parameters.as_count(sample, "sample", 1)}
        asked["k"] = _parameters.as_count(k, "k", 1)
        remote = self._remote()
        if not isinstance(remote, RemoteIndex):
            raise InvalidArgument("recall is measured by a server, not inside Pyodide")
        with progress_bar(self.verbose) as listener:
            return remote.recall(asked, listener)

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

    # ------------------------------------------------------------------ its end

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

    @classmethod
    def _attributes_of(cls, loaded: _files.Loaded) -> dict[str, Any]:
        """Those that every index has; the defaults where another client wrote the file."""
        given = loaded.attributes
        if given is not None:
            return {name: given[name] for name in COMMON if name in given}
        form, _, dim, metric = loaded.shape
        return {
            "dim": dim,
            "metric": metric,
            "metric_kwds": None,
            "n_neighbors": 30,
            "n_jobs": None,
            "quantization": None,
            "verbose": False,
            "_form_name": form,
            "_is_sparse": form == "sparse",
            "_seed": 42,
            "_effort": {},
            "_engine_options": {},
        }


def _asked(
    epsilon: float | None,
    ef: int | None,
    min_recall: float | None,
    ef_steps: Any,
    until_distance: float | None,
    until_similarity: float | None,
) -> Header:
    effort = _effort(epsilon, ef)
    numbers = {
        "min_recall": min_recall,
        "until_distance": until_distance,
        "until_similarity": until_similarity,
    }
    effort.update({name: float(of) for name, of in numbers.items() if of is not None})
    if ef_steps is not None:
        effort["ef_steps"] = [_parameters.as_count(step, "ef_steps", 1) for step in ef_steps]
    return effort


def _effort(epsilon: float | None, ef: int | None) -> Header:
    effort: Header = {}
    if epsilon is not None:
        effort["epsilon"] = _parameters.effort(epsilon)
    if ef is not None:
        effort["ef"] = _parameters.as_count(ef, "ef", 1)
    return effort


def _checked(given: dict[str, Any]) -> Header:
    """The engine's options that were given, as the wire has them; the engine checks their range."""
    options = {name: value for name, value in given.items() if value is not None}
    for name in _COUNTS:
        if name in options:
            options[name] = _parameters.as_count(options[name], name, 0 if name == "n_iters" else 1)
    if "graph_recall" in options:
        options["graph_recall"] = _metrics.as_number(options["graph_recall"], "graph_recall")
    return options
