"""An index at the server: the operations by name, and its end with the Python object that holds it.

What may not enter: PyNNDescent's names and rules (they are `index`'s), frames and sockets.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from . import _arrays
from ._changes import Changes
from ._connection import ProgressListener
from ._errors import CorruptFile, DimensionMismatch, InvalidArgument
from ._files import path_of
from ._forms import Matrix, Stored
from ._protocol import Header, Hits
from ._transfer import BytesDownload, HitsDownload, Part, part

if TYPE_CHECKING:
    from ._client import Session

_NUMBERS_IN_A_HEADER = 1000  # Up to 25 bytes each as JSON, of the 64 KiB that a header may have.


class RemoteIndex:
    """Rows stored at a server. Freed there when this object is collected, or by `close`."""

    def __init__(self, session: Session, reply: Header) -> None:
        self._session = session
        self._id = str(reply["index"])
        self.prepared = False
        self.parameters: dict[str, Any] = dict(reply["parameters"])
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
            options = {
                name: values.enter_context(_as_json(session, option, "float32"))
                for name, option in options.items()
            }
            header = {**sent.promise(), "options": options}
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
        self, rows: Matrix, k: int, epsilon: float, on_progress: ProgressListener | None
    ) -> Hits:
        sent = part(rows)
        header = {**self._named(), **sent.promise(), "k": k, "epsilon": epsilon}
        hits = self._session.fetch("query", header, HitsDownload(), [sent], on_progress)
        self.prepared = True
        return hits

    def update(self, changes: Changes, on_progress: ProgressListener | None) -> None:
        """Replace rows, then append rows: all of it, or nothing and an error."""
        header = self._named()
        parts: list[Part] = []
        with ExitStack() as values:
            if changes.replacing is not None:
                parts.append(part(changes.replacing))
                ids = values.enter_context(_as_json(self._session, changes.positions, "int32"))
                header["updated"] = {**parts[-1].promise(), "indices": ids}
            if changes.fresh is not None:
                parts.append(part(changes.fresh))
                header["fresh"] = parts[-1].promise()
            self._session.call("update", header, parts, on_progress)

    def prepare(self, on_progress: ProgressListener | None) -> None:
        if not self.prepared:
            self._session.call("prepare", self._named(), on_progress=on_progress)
            self.prepared = True

    def dump(self) -> bytes | bytearray | None:
        """The products that exist, without the rows; None where the server keeps them to itself."""
        if "dump" not in self._session.greeting.features:
            return None
        return self._session.fetch("dump", {**self._named(), "rows": False}, BytesDownload())

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

    def stats(self) -> dict[str, Any]:
        return dict(self._session.call("stats", self._named())["index"])

    def close(self) -> None:
        self._finalizer()

    def _named(self) -> Header:
        return {"index": self._id}


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
