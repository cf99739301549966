"""Radius search: what it gives, how batches become that, and the methods an index has for it.

    queries    a value for each query: how many rows it has, and what became of it
    hits       ids and distances, one query's after another's

What may not enter: frames and sockets, and how neighbours are found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ._errors import InvalidArgument, OutOfMemory, ProtocolError
from ._filters import filter_bits
from ._forms import Form, Stored
from ._ids import Ids, as_ids
from ._numpy import np
from ._parameters import as_count
from ._progress import progress_bar
from ._protocol import Frame, Header, decode_columns
from ._transfer import header_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._remote import RemoteIndex

_QUERIES = {
    "hits": "int32",
    "visited": "int32",
    "candidates": "int32",
    "largest_distance": "float32",
    "truncated": "uint8",
    "exact": "uint8",
    "ms": "float32",
}
_HITS = {"indices": "int32", "distances": "float32"}
_ESTIMATES = {"counts": "float64", "low": "float64", "high": "float64"}


@dataclass(frozen=True)
class RadiusHits:
    """The rows within a distance of each query, one query after another, as in a CSR matrix.

    Those of query ``i`` are ``indices[indptr[i]:indptr[i + 1]]``; `row` gives them. The arrays from
    `visited` on have a value for each query.
    """

    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]
    visited: npt.NDArray[np.int32]  # Rows compared.
    candidates: npt.NDArray[np.int32]  # Rows met in the ball and the slack around it.
    largest_distance: npt.NDArray[np.float32]  # Of the farthest row; NaN where there is none.
    truncated: npt.NDArray[np.bool_]  # More rows than max_results are within the radius.
    exact: npt.NDArray[np.bool_]  # All rows were compared.
    ms: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.visited)

    def row(self, i: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Indices and distances for query `i`; views."""
        part = slice(self.indptr[i], self.indptr[i + 1])
        return self.indices[part], self.distances[part]


@dataclass(frozen=True)
class TargetHits:
    """A radius that holds about as many rows as wanted, and these rows."""

    radius: float
    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]
    reached: bool  # False where rows at equal distances leave no better radius.
    searches: int


@dataclass(frozen=True)
class CountEstimate:
    """About how many rows are near each query, with bounds that hold for 95 of 100 samples."""

    counts: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


@dataclass
class ColumnsDownload:
    """Tables of plain numbers, one after another, into arrays of their own."""

    kind: str
    parts: dict[str, dict[str, str]]
    done: bool = False
    told: Header = field(default_factory=dict)
    _batches: dict[str, list[list[npt.NDArray[Any]]]] = field(default_factory=dict)
    _received: dict[str, int] = field(default_factory=dict)

    def place(self, header: Header, frames: list[Frame]) -> None:
        start, count = header_numbers(header, "start", "count")
        part = str(header.get("part"))
        if part not in self.parts:
            raise ProtocolError(f"the server sent a part {part!r} of a result")
        if count:
            columns = decode_columns(frames, self.parts[part])
            if start != self._received.get(part, 0) or any(len(each) != count for each in columns):
                raise ProtocolError(f"the server sent rows {start}+{count} out of order")
            # The frames are views of one message: what is kept of it is a copy.
            self._batches.setdefault(part, []).append([each.copy() for each in columns])
            self._received[part] = start + count
        self.told = header
        self.done = header.get("last") is True

    def result(self) -> dict[str, npt.NDArray[Any]]:
        return {
            name: self._column(part, at, dtype)
            for part, dtypes in self.parts.items()
            for at, (name, dtype) in enumerate(dtypes.items())
        }

    def _column(self, part: str, at: int, dtype: str) -> npt.NDArray[Any]:
        batches = self._batches.get(part, [])
        return np.concatenate([batch[at] for batch in batches] or [np.empty(0, dtype)])


def balls_download() -> ColumnsDownload:
    return ColumnsDownload("radius", {"queries": _QUERIES, "hits": _HITS})


def estimates_download() -> ColumnsDownload:
    return ColumnsDownload("estimates", {"estimates": _ESTIMATES})


def as_hits(columns: dict[str, npt.NDArray[Any]]) -> RadiusHits:
    """Raises ProtocolError where the numbers of hits and hits differ."""
    counts = columns.pop("hits")
    indptr = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=indptr[1:])
    if indptr[-1] != len(columns["indices"]):
        raise ProtocolError(f"the server sent {len(columns['indices'])} of {indptr[-1]} rows")
    flags = {name: columns.pop(name).astype(bool) for name in ("truncated", "exact")}
    return RadiusHits(indptr=indptr, **columns, **flags)


def joined(parts: list[RadiusHits]) -> RadiusHits:
    """The hits of all queries of one part after another; at least one part."""
    starts = np.cumsum([0] + [len(each.indices) for each in parts])
    if starts[-1] > np.iinfo(np.int32).max:
        raise OutOfMemory(f"{starts[-1]} rows within the radius, allowed: 2^31 - 1")
    ends = [each.indptr[1:] + start for each, start in zip(parts, starts, strict=False)]
    indptr = np.concatenate([[0], *ends]).astype(np.int32)
    others = [name for name in RadiusHits.__dataclass_fields__ if name != "indptr"]
    columns = {name: np.concatenate([getattr(each, name) for each in parts]) for name in others}
    return RadiusHits(indptr=indptr, **columns)


class RadiusSearch:
    """The methods of an index that look for all rows within a distance."""

    dim: int
    verbose: bool

    @property
    def _form(self) -> Form:
        raise NotImplementedError

    def _remote(self) -> Any:
        raise NotImplementedError

    def _stored(self) -> Stored:
        raise NotImplementedError

    def _names(self) -> Ids:
        raise NotImplementedError

    def radius_search(
        self,
        query_data: Any,
        radius: Any,
        *,
        max_results: int = 1000,
        min_recall: float = 0.95,
        sort: bool = True,
        expansion_factor: float = 1.2,
        ef_search: int | None = None,
        exact: bool = False,
        filter: Any = None,
    ) -> RadiusHits:
        """All rows within `radius` of each query, those at that distance included.

        Parameters
        ----------
        query_data : array-like or scipy sparse matrix of shape (q, d)
        radius : float or array-like of q floats
            One for all queries, or one for each. Under ``true_angular``, a similarity, rows at
            least as similar are found. Distances are the metric's own: cosine's go up to 2.
        max_results : int
            Most rows for a query; of more the nearest are kept, and `truncated` tells.
        min_recall : float
            Least share of the rows within the radius that is found for a query. The effort that
            this takes is measured on sampled rows; 1 compares all rows.
        sort : bool
            Nearest first, ties by id; otherwise by id.
        expansion_factor : float
            Slack of a walk: rows up to so many times the radius may be walked through.
        ef_search : int, optional
            Least width of a walk.
        exact : bool
            Compare all rows.
        filter : array-like of bool or of ids, or callable, optional
            Rows that may be returned, as in `Index.query`.

        Returns
        -------
        RadiusHits

        Raises
        ------
        ValueError
            For queries as in `query`, for a radius that is NaN, or negative where no distance is.
        """
        rows = self._form.given(query_data, self.dim, "query_data")
        radii = _as_radii(radius, rows.shape[0])
        options = _options(
            max_results, min_recall, sort, expansion_factor, ef_search=ef_search, exact=exact
        )
        options.update(self._filter(filter))
        with progress_bar(self.verbose) as listener:
            return self._searching().radius_search(rows, radii, options, listener)

    def radius_search_by_id(
        self,
        ids: Any,
        radius: Any,
        *,
        max_results: int = 1000,
        min_recall: float = 0.95,
        sort: bool = True,
        expansion_factor: float = 1.2,
        ef_search: int | None = None,
        exact: bool = False,
        filter: Any = None,
    ) -> RadiusHits:
        """As `radius_search`, around rows of the index, themselves included.

        Raises
        ------
        KeyError
            For an id that no row has.
        """
        numbers = as_ids(ids)
        self._names().positions(numbers)  # Raises for one that no row has.
        radii = _as_radii(radius, len(numbers))
        options = _options(
            max_results, min_recall, sort, expansion_factor, ef_search=ef_search, exact=exact
        )
        options.update(self._filter(filter))
        with progress_bar(self.verbose) as listener:
            return self._searching().radius_search_by_id(
                numbers.astype(np.int32), radii, options, listener
            )

    def search_with_target_count(
        self,
        query: Any,
        target: int,
        *,
        tolerance: float = 0.2,
        start_radius: float | None = None,
        min_recall: float = 0.95,
        sort: bool = True,
        expansion_factor: float = 1.2,
        ef_search: int | None = None,
        exact: bool = False,
        filter: Any = None,
    ) -> TargetHits:
        """The radius within which about `target` rows are of one query, and these rows.

        Parameters
        ----------
        query : array-like or scipy sparse matrix of shape (d,) or (1, d)
        target : int
        tolerance : float
            By which share of the target the number of rows may be off.
        start_radius : float, optional
            Tried first; then the distance of the target-th nearest row, larger or smaller.
        min_recall, sort, expansion_factor, ef_search, exact, filter
            As in `radius_search`.

        Raises
        ------
        ValueError
            For a target of more rows than there are.
        """
        count = as_count(target, "target", 1)
        if count > (n := self._stored().shape[0]):
            raise InvalidArgument(f"target is {count}, allowed: 1..={n}, the rows of the index")
        given = query if getattr(query, "ndim", 0) == 2 else np.atleast_2d(query)
        rows = self._form.given(given, self.dim, "query")
        options = _options(
            None, min_recall, sort, expansion_factor, ef_search=ef_search, exact=exact
        )
        options.update(self._filter(filter))
        options.update(target=count, tolerance=float(tolerance))
        if start_radius is not None:
            options["start_radius"] = float(start_radius)
        with progress_bar(self.verbose) as listener:
            return self._searching().search_with_target_count(rows, options, listener)

    def estimate_count(
        self, query_data: Any, radius: Any, *, sample: int = 1000, filter: Any = None
    ) -> CountEstimate:
        """About how many rows, of those that match, are within `radius` of each query.

        From `sample` rows, drawn. `filter` is as in `Index.query`.

        Returns
        -------
        CountEstimate
            Exact, with `low` and `high` equal, where there are no more rows than `sample`.
        """
        rows = self._form.given(query_data, self.dim, "query_data")
        radii = _as_radii(radius, rows.shape[0])
        options = {"sample": as_count(sample, "sample", 1), **self._filter(filter)}
        with progress_bar(self.verbose) as listener:
            return self._searching().estimate_count(rows, radii, options, listener)

    def prepare_radius(self) -> None:
        """Measure what radius searches need for their recall now, not at the first of them."""
        with progress_bar(self.verbose) as listener:
            self._searching().prepare_radius(listener)

    def _filter(self, given: Any) -> Header:
        return {} if given is None else {"filter": filter_bits(given, self._names())}

    def _searching(self) -> RemoteIndex:
        remote = self._remote()
        if not hasattr(remote, "radius_search"):
            raise InvalidArgument(
                "radius search needs a server and a metric of its own: no function, and not Pyodide"
            )
        return cast("RemoteIndex", remote)


def _as_radii(radius: Any, count: int) -> npt.NDArray[np.float32]:
    """A radius for each of `count` queries."""
    try:
        with np.errstate(over="ignore"):
            radii = np.asarray(radius, np.float64).astype(np.float32)
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"radius must be a number or {count} of them, got {radius!r}"
        ) from None
    if radii.ndim and radii.shape != (count,):
        raise InvalidArgument(f"radius has shape {radii.shape}, allowed: () or ({count},)")
    if np.isnan(radii).any():
        raise InvalidArgument("radius is NaN, allowed: a number")
    return np.broadcast_to(radii, (count,))


def _options(
    max_results: int | None,
    min_recall: float,
    sort: bool,
    expansion_factor: float,
    *,
    ef_search: int | None,
    exact: bool,
) -> Header:
    """As the wire has them; what they may be is for the engine to say."""
    options: Header = {
        "min_recall": float(min_recall),
        "sort": bool(sort),
        "expansion_factor": float(expansion_factor),
        "exact": bool(exact),
    }
    if max_results is not None:
        options["max_results"] = as_count(max_results, "max_results", 1)
    if ef_search is not None:
        options["ef_search"] = as_count(ef_search, "ef_search", 1)
    return options
