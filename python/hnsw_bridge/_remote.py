"""An index at the server: the operations by name, and its end with the Python object that holds it.

What may not enter: PyNNDescent's names and rules (they are `index`'s), frames and sockets.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ._changes import Changes
from ._client import Session
from ._connection import ProgressListener
from ._errors import InvalidArgument
from ._forms import Matrix, Stored
from ._matrix import Rows
from ._protocol import Header, Hits
from ._transfer import BytesDownload, HitsDownload, Part, part

_NUMBERS_IN_A_HEADER = 1000  # Up to 25 bytes each as JSON, of the 64 KiB that a header may have.


class RemoteIndex:
    """Rows stored at a server. Freed there when this object is collected, or by `close`."""

    def __init__(self, session: Session, reply: Header) -> None:
        self._session = session
        self._id = str(reply["index"])
        self.prepared = False
        self.parameters: dict[str, Any] = dict(reply["parameters"])
        self.n_neighbors = int(reply["n_neighbors"])
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
                name: values.enter_context(_as_json(session, option, np.float32))
                for name, option in options.items()
            }
            header = {**sent.promise(), "options": options}
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
                ids = values.enter_context(_as_json(self._session, changes.positions, np.int32))
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

    def dump_with_rows(self, attachment: bytes) -> bytearray:
        """Rows and products, with a section of ours. Raises InvalidArgument at an older server."""
        if "dump.attachment" not in self._session.greeting.features:
            server = self._session.greeting.server
            raise InvalidArgument(f"the server, {server}, cannot save indexes to files")
        with _value(self._session, np.frombuffer(attachment, np.uint8)) as value:
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
        with _value(session, np.frombuffer(data, np.uint8)) as value:
            reply = session.call("load", {**header, "bytes": value}, on_progress=on_progress)
        return cls(session, reply)

    def attach(self, products: bytes | bytearray) -> None:
        """Take over the products of an index of the same rows and options.

        Raises HnswError when they are not; the index is as it was then.
        """
        if "dump" not in self._session.greeting.features:
            return
        numbers = np.frombuffer(products, np.uint8)
        with _value(self._session, numbers) as value:
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
def _as_json(session: Session, option: Any, dtype: Any) -> Iterator[Any]:
    """An option as a header may have it: a long array goes up before, and is named instead."""
    if not isinstance(option, np.ndarray):
        yield option
    elif option.size <= _NUMBERS_IN_A_HEADER:
        yield option.astype(dtype).ravel().tolist()
    else:
        with _value(session, np.ascontiguousarray(option, dtype).ravel()) as value:
            yield value


@contextmanager
def _value(session: Session, numbers: Rows) -> Iterator[Header]:
    """A value at the server for one call, which uses it up; freed where that did not come to it."""
    width = next(w for w in (1 << 12, 1 << 6, 1 << 3, 1) if numbers.size % w == 0)
    sent = part(numbers.reshape(-1, width))
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
