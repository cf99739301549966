"""An index at the server: the operations by name, and its end with the Python object that holds it.

What may not enter: PyNNDescent's names and rules (they are `index`'s), frames and sockets.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _arrays
from ._changes import Changes
from ._connection import ProgressListener
from ._errors import CorruptFile, DimensionMismatch, InvalidArgument
from ._forms import Matrix, Stored
from ._mapped import path_of
from ._numpy import np
from ._parameters import OUTCOMES
from ._protocol import Header, Hits
from ._radius import (
    ColumnsDownload,
    CountEstimate,
    RadiusHits,
    TargetHits,
    as_hits,
    balls_download,
    estimates_download,
)
from ._transfer import BytesDownload, HitsDownload, Part, part

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._client import Session

Radii: TypeAlias = "npt.NDArray[np.float32]"

_DTYPES = {"ids": "int32"}
_NUMBERS_IN_A_HEADER = 1000  # Up to 25 bytes each as JSON, of the 64 KiB that a header may have.


class RemoteIndex:
    """Rows stored at a server. Freed there when this object is collected, or by `close`."""

    def __init__(self, session: Session, reply: Header) -> None:
        self._session = session
        self._id = str(reply["index"])
        self.prepared = False
        self.parameters: dict[str, Any] = dict(reply["parameters"])
        self.n_neighbors = int(reply["n_neighbors"])
        # The id that the next row gets; older servers delete no rows.
        self.next_id = int(reply.get("next_id") or reply.get("rows") or 0)
        self._finalizer = weakref.finalize(self, _release, session, self._named(), os.getpid())
        self._finalizer.atexit = False  # The session's end closes what is left.

    @classmethod
    def build(
        cls, session: Session, rows: Stored, options: Header, on_progress: ProgressListener | None
    ) -> RemoteIndex:
        """Send the rows (n, d). Options may be arrays: the parameters of metrics.

        Raises what the server finds wrong with rows or options.
        """
        sent = part(rows)
        with ExitStack() as values:
            header = {**sent.promise(), "options": _options(session, options, values)}
            path = path_of(rows) if "rows.path" in session.greeting.features else None
            if path is not None:
                # It may lie elsewhere than where the server may read, or on another machine.
                with suppress(InvalidArgument, DimensionMismatch, CorruptFile):
                    named = {**header, "path": path}
                    return cls(session, session.call("build", named, (), on_progress))
            return cls(session, session.call("build", header, [sent], on_progress))

    def is_usable(self) -> bool:
        """Whether its server is still there."""
        return self._finalizer.alive and not self._session.is_dead()

    def neighbor_graph(self, on_progress: ProgressListener | None) -> Hits:
        return self._session.fetch(
            "neighbor_graph", self._named(), HitsDownload(), on_progress=on_progress
        )

    def query(
        self, rows: Matrix, k: int, effort: Header, on_progress: ProgressListener | None
    ) -> Hits:
        return self.ask(rows, k, effort, on_progress)[0]

    def ask(
        self, rows: Matrix, k: int, effort: Header, on_progress: ProgressListener | None
    ) -> tuple[Hits, Header]:
        """Hits, and what the server tells besides: ``ef_used``, ``profile``."""
        sent, download = part(rows), HitsDownload()
        if not OUTCOMES.isdisjoint(effort):
            self._check("efforts", "search by an outcome or tell its work")
        with ExitStack() as values:
            header = {**self._named(), **sent.promise(), "k": k, **self._filtered(effort, values)}
            hits = self._session.fetch("query", header, download, [sent], on_progress)
        self.prepared = True
        return hits, download.told

    def rebuild(self, options: Header, on_progress: ProgressListener | None) -> None:
        """Build the search index anew, with other links where `options` has some."""
        self._check("rebuild", "build its search index anew")
        header = {**self._named(), **options}
        reply = self._session.call("rebuild", header, on_progress=on_progress)
        self.parameters = dict(reply["parameters"])

    def _filtered(self, options: Header, values: ExitStack) -> Header:
        """The options with the bits of a filter as a value of the server's."""
        if "filter" not in options:
            return options
        self._check("filter", "filter queries")
        bits = values.enter_context(_value(self._session, options["filter"], "uint8"))
        return {**options, "filter": {"bits": bits}}

    def _filtered_radius(self, options: Header, values: ExitStack) -> Header:
        if "filter" in options:
            self._check("radius.filter", "filter radius searches")
        return self._filtered(options, values)

    def radius_search(
        self,
        rows: Matrix,
        radii: Radii,
        options: Header,
        on_progress: ProgressListener | None,
    ) -> RadiusHits:
        sent = part(rows)
        header = {**sent.promise(), **options}
        return as_hits(
            self._radius("radius_search", header, radii, balls_download(), [sent], on_progress)
        )

    def radius_search_by_id(
        self,
        ids: npt.NDArray[np.int32],
        radii: Radii,
        options: Header,
        on_progress: ProgressListener | None,
    ) -> RadiusHits:
        with _as_json(self._session, ids, "int32") as named:
            header = {**options, "ids": named}
            op = "radius_search_by_id"
            return as_hits(self._radius(op, header, radii, balls_download(), [], on_progress))

    def search_with_target_count(
        self, rows: Matrix, options: Header, on_progress: ProgressListener | None
    ) -> TargetHits:
        sent, download = part(rows), balls_download()
        self._check_radius()
        with ExitStack() as values:
            filtered = self._filtered_radius(options, values)
            header = {**self._named(), **sent.promise(), **filtered}
            columns = self._session.fetch(
                "search_with_target_count", header, download, [sent], on_progress
            )
        radius, told = download.told["radius"], download.told
        return TargetHits(
            np.inf if radius is None else float(radius),
            columns["indices"],
            columns["distances"],
            bool(told["reached"]),
            int(told["searches"]),
        )

    def estimate_count(
        self,
        rows: Matrix,
        radii: Radii,
        options: Header,
        on_progress: ProgressListener | None,
    ) -> CountEstimate:
        sent = part(rows)
        header = {**sent.promise(), **options}
        return CountEstimate(
            **self._radius(
                "estimate_count", header, radii, estimates_download(), [sent], on_progress
            )
        )

    def _radius(
        self,
        op: str,
        header: Header,
        radii: Radii,
        download: ColumnsDownload,
        parts: list[Part],
        on_progress: ProgressListener | None,
    ) -> dict[str, npt.NDArray[Any]]:
        self._check_radius()
        with ExitStack() as values, _as_radii(self._session, radii) as named:
            header = {**self._named(), **self._filtered_radius(header, values), **named}
            return self._session.fetch(op, header, download, parts, on_progress)

    def _check_radius(self) -> None:
        if "radius" not in self._session.greeting.features:
            raise InvalidArgument(
                f"the server {self._session.greeting.server} has no radius search"
            )

    def update(self, changes: Changes, on_progress: ProgressListener | None) -> None:
        """Remove and replace rows, then append rows: all of it, or nothing and an error."""
        header: Header = self._named()
        parts: list[Part] = []
        with ExitStack() as values:
            if changes.replacing is not None:
                parts.append(part(changes.replacing))
                positions = changes.positions if changes.ids is None else changes.ids
                ids = values.enter_context(_as_json(self._session, positions, "int32"))
                header["updated"] = {**parts[-1].promise(), "indices": ids}
            if changes.removed is not None:
                self._check("update.remove", "delete rows")
                gone = changes.removed if changes.removed_ids is None else changes.removed_ids
                header["removed"] = values.enter_context(_as_json(self._session, gone, "int32"))
            if changes.fresh is not None:
                parts.append(part(changes.fresh))
                header["fresh"] = parts[-1].promise()
            self._session.call("update", header, parts, on_progress)

    def ids(self) -> npt.NDArray[np.int32]:
        """The id of each row, ascending."""
        download = ColumnsDownload("ids", {"ids": {"ids": "int32"}})
        numbers: npt.NDArray[np.int32] = self._session.fetch("ids", self._named(), download)["ids"]
        return numbers

    def _check(self, feature: str, what: str) -> None:
        if feature not in self._session.greeting.features:
            raise InvalidArgument(f"the server {self._session.greeting.server} cannot {what}")

    def prepare(self, on_progress: ProgressListener | None) -> None:
        if not self.prepared:
            self._session.call("prepare", self._named(), on_progress=on_progress)
            self.prepared = True

    def prepare_radius(self, on_progress: ProgressListener | None) -> None:
        self._check_radius()
        self._session.call("prepare", {**self._named(), "radius": True}, on_progress=on_progress)
        self.prepared = True

    def dump(self) -> bytes | bytearray | None:
        """The products that exist, without the rows; None where the server keeps them to itself."""
        if "dump" not in self._session.greeting.features:
            return None
        return self._session.fetch("dump", {**self._named(), "rows": False}, BytesDownload())

    def dump_with_rows(self, attachment: bytes) -> bytearray:
        """Rows and products, with a section of ours. Raises InvalidArgument at an older server."""
        if "dump.attachment" not in self._session.greeting.features:
            server = self._session.greeting.server
            raise InvalidArgument(f"the server, {server}, cannot save indexes to files")
        with _value(self._session, attachment, "uint8") as value:
            header = {**self._named(), "rows": True, "attachment": value}
            return self._session.fetch("dump", header, BytesDownload())

    @classmethod
    def load(
        cls,
        session: Session,
        data: bytes | bytearray,
        threads: int | None,
        on_progress: ProgressListener | None,
    ) -> RemoteIndex:
        """The index of what was dumped with its rows. Raises what the server finds wrong."""
        header: Header = {} if threads is None else {"threads": threads}
        with _value(session, data, "uint8") as value:
            reply = session.call("load", {**header, "bytes": value}, on_progress=on_progress)
        return cls(session, reply)

    @classmethod
    def import_hnswlib(
        cls,
        session: Session,
        data: bytes | bytearray,
        options: Header,
        on_progress: ProgressListener | None,
    ) -> tuple[RemoteIndex, npt.NDArray[np.uint64]]:
        """The index in the bytes of a file of hnswlib, and the label of each row.

        Raises what the server finds wrong with file or options.
        """
        download = ColumnsDownload("imported", {"labels": {"labels": "uint64"}})
        with ExitStack() as values:
            header = {
                "options": _options(session, options, values),
                "bytes": values.enter_context(_value(session, data, "uint8")),
            }
            columns = session.fetch("import_hnswlib", header, download, (), on_progress)
        return cls(session, download.told), columns["labels"]

    def attach(self, products: bytes | bytearray) -> None:
        """Take over the products of an index of the same rows and options.

        Raises HnswError when they are not; the index is as it was then.
        """
        if "dump" not in self._session.greeting.features:
            return
        with _value(self._session, products, "uint8") as value:
            self._session.call("attach", {**self._named(), "bytes": value})

    def plan(self) -> dict[str, Any]:
        """What was picked for each product. Unlike `stats` it takes no look at the graph."""
        if "plan" not in self._session.greeting.features:
            return dict(self.stats()["plan"])
        return dict(self._session.call("plan", self._named())["plan"])

    def recall(self, asked: Header, on_progress: ProgressListener | None) -> dict[str, Any]:
        """What queries find, measured on sampled rows."""
        self._check("recall", "measure recall")
        reply = self._session.call("recall", {**self._named(), **asked}, on_progress=on_progress)
        return dict(reply["recall"])

    def verify(self) -> dict[str, Any]:
        """What a look at everything finds. Raises InvalidArgument at an older server."""
        if "verify" not in self._session.greeting.features:
            server = self._session.greeting.server
            raise InvalidArgument(f"the server, {server}, cannot verify indexes")
        return dict(self._session.call("verify", self._named())["verification"])

    def stats(self) -> dict[str, Any]:
        return dict(self._session.call("stats", self._named())["index"])

    def close(self) -> None:
        self._finalizer()

    def _named(self) -> Header:
        return {"index": self._id}


def _options(session: Session, options: Header, values: ExitStack) -> Header:
    """Options as a header may have them; what goes up beside it is freed with `values`."""
    return {
        name: values.enter_context(_as_json(session, option, _DTYPES.get(name, "float32")))
        for name, option in options.items()
    }


@contextmanager
def _as_json(session: Session, option: Any, dtype: str) -> Iterator[Any]:
    """An option as a header may have it: a long array goes up before, and is named instead."""
    if not _arrays.is_array(option):
        yield option
        return
    numbers = _arrays.raveled(option, dtype)
    if len(numbers) <= _NUMBERS_IN_A_HEADER:
        yield numbers.tolist()
    else:
        with _value(session, numbers, dtype) as value:
            yield value


@contextmanager
def _as_radii(session: Session, radii: Radii) -> Iterator[Header]:
    """One radius where all are the same; JSON has no infinity, so that a value has to carry it."""
    finite = bool(np.isfinite(radii).all())
    if finite and radii.size and (radii == radii[0]).all():
        yield {"radius": float(radii[0])}
    elif finite:
        with _as_json(session, radii, "float32") as named:
            yield {"radii": named}
    else:
        with _value(session, np.ascontiguousarray(radii, np.float32), "float32") as named:
            yield {"radii": named}


@contextmanager
def _value(session: Session, numbers: Any, dtype: str) -> Iterator[Header]:
    """A value at the server for one call, which uses it up; freed where that did not come to it."""
    count = len(numbers)
    width = next(w for w in (1 << 12, 1 << 6, 1 << 3, 1) if count % w == 0)
    sent = part(_arrays.view(numbers, dtype, (count // width, width)))
    value = session.call("put", sent.promise(), [sent])["value"]
    try:
        yield {"value": value}
    except BaseException:
        session.release({"value": value})
        raise


def _release(session: Session, named: Header, pid: int) -> None:
    # A forked child holds copies of its parent's indexes, and their end is not the indexes' end.
    if pid == os.getpid():
        session.release(named)
