"""The engine: what keeps an index's rows and finds neighbours, wherever that is.

    server        a process of its own, reached over ZeroMQ      _client, _remote
    in process    JavaScript around Pyodide, called as it is     _pyodide

This is the seam between the two ways there: operations by name, on rows and results in Python's
memory. How they get there, and whether anything is sent at all, is below it. What may not enter:
anything that one of the two does not have, and PyNNDescent's names and rules (they are `index`'s).
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from ._changes import Changes
from ._connection import Greeting, ProgressListener
from ._forms import Matrix, Stored
from ._protocol import Header, Hits

if sys.platform == "emscripten":
    from ._pyodide import connect, engine, shutdown, stats
else:
    from ._client import connect, shutdown, stats
    from ._client import session as engine

__all__ = ["Engine", "EngineIndex", "connect", "engine", "shutdown", "stats"]


class EngineIndex(Protocol):
    """Rows at the engine. Freed there when this object is collected, or by `close`."""

    prepared: bool
    parameters: dict[str, Any]

    def is_usable(self) -> bool:
        """Whether the engine still has it; if not, the rows are to be handed over again."""

    def neighbor_graph(self, on_progress: ProgressListener | None) -> Hits: ...

    def query(
        self, rows: Matrix, k: int, effort: Header, on_progress: ProgressListener | None
    ) -> Hits:
        """The `k` nearest rows of each. `effort` has what of ``epsilon`` and ``ef`` was given."""

    def update(self, changes: Changes, on_progress: ProgressListener | None) -> None:
        """Replace rows, then append rows: all of it, or nothing and an error."""

    def prepare(self, on_progress: ProgressListener | None) -> None: ...

    def dump(self) -> bytes | bytearray | None:
        """The products that exist, without the rows; None where the engine keeps them to itself."""

    def attach(self, products: bytes | bytearray) -> None:
        """Take over the products of an index of the same rows and options; HnswError if not so."""

    def plan(self) -> dict[str, Any]: ...

    def stats(self) -> dict[str, Any]: ...

    def verify(self) -> dict[str, Any]:
        """What a look at everything finds."""

    def close(self) -> None: ...


class Engine(Protocol):
    """Makes indexes, and says what it can."""

    @property
    def greeting(self) -> Greeting: ...

    def build(
        self, rows: Stored, options: Header, on_progress: ProgressListener | None
    ) -> EngineIndex:
        """Hand over the rows (n, d). Options may be arrays: the parameters of metrics.

        Raises what the engine finds wrong with rows or options.
        """

    def load(
        self, dump: bytes | bytearray, threads: int | None, on_progress: ProgressListener | None
    ) -> EngineIndex:
        """An index of a dump with its rows. Raises CorruptFile, UnsupportedVersion."""
