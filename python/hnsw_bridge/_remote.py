"""An index at the server: the operations by name, and its end with the Python object that holds it.

What may not enter: PyNNDescent's names and rules (they are `index`'s), frames and sockets.
"""

from __future__ import annotations

import os
import weakref
from typing import Any

from ._client import Session
from ._connection import ProgressListener
from ._matrix import Rows
from ._protocol import Header, Hits


class RemoteIndex:
    """Rows stored at a server. Freed there when this object is collected, or by `close`."""

    def __init__(self, session: Session, reply: Header) -> None:
        self._session = session
        self._id = str(reply["index"])
        self.prepared = False
        self.parameters: dict[str, Any] = dict(reply["parameters"])
        self._finalizer = weakref.finalize(self, _release, session, self._id, os.getpid())
        self._finalizer.atexit = False  # The session's end closes what is left.

    @classmethod
    def build(
        cls, session: Session, rows: Rows, options: Header, on_progress: ProgressListener | None
    ) -> RemoteIndex:
        """Send the rows (n, d). Raises what the server finds wrong with rows or options."""
        header = {**_shape(rows), "options": options}
        return cls(session, session.call("build", header, rows=rows, on_progress=on_progress))

    def is_usable(self) -> bool:
        """Whether its server is still there."""
        return self._finalizer.alive and not self._session.is_dead()

    def neighbor_graph(self, on_progress: ProgressListener | None) -> Hits:
        return self._session.fetch("neighbor_graph", self._named(), on_progress=on_progress)

    def query(
        self, rows: Rows, k: int, epsilon: float, on_progress: ProgressListener | None
    ) -> Hits:
        header = {**self._named(), **_shape(rows), "k": k, "epsilon": epsilon}
        hits = self._session.fetch("query", header, rows=rows, on_progress=on_progress)
        self.prepared = True
        return hits

    def append(self, rows: Rows, on_progress: ProgressListener | None) -> None:
        header = {**self._named(), "fresh": _shape(rows)}
        self._session.call("update", header, rows=rows, on_progress=on_progress)

    def prepare(self, on_progress: ProgressListener | None) -> None:
        if not self.prepared:
            self._session.call("prepare", self._named(), on_progress=on_progress)
            self.prepared = True

    def stats(self) -> dict[str, Any]:
        return dict(self._session.call("stats", self._named())["index"])

    def close(self) -> None:
        self._finalizer()

    def _named(self) -> Header:
        return {"index": self._id}


def _shape(rows: Rows) -> Header:
    return {"rows": rows.shape[0], "dim": rows.shape[1], "dtype": "float32"}


def _release(session: Session, index: str, pid: int) -> None:
    # A forked child holds copies of its parent's indexes, and their end is not the indexes' end.
    if pid == os.getpid():
        session.release(index)
