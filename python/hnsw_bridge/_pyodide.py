"""The engine inside this process: Python runs in Pyodide, and JavaScript around it has the engine.

The page or program that loaded Pyodide registers the module `hnsw_bridge_js` (see docs/guide). Its
calls are synchronous. Rows are read where they lie in Python's memory and results are written into
arrays made here; all else passes as JSON, by the names of docs/protocol.md. There is no progress to
be heard and nothing to be cancelled. What may not enter: JavaScript's own objects beyond this file.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, NoReturn

from pyodide.ffi import JsException

from . import _arrays
from ._changes import Changes
from ._connection import Greeting, ProgressListener, _read_greeting
from ._errors import EngineUnavailable, InvalidArgument, error_from
from ._forms import Matrix, Stored
from ._names import snake_case
from ._narrow import NarrowRows
from ._parameters import OUTCOMES
from ._protocol import Header, Hits

_BLOCK_ROWS_BYTES = 1 << 20  # Rows kept in a byte each are widened block by block.


class InProcess:
    """The registered module."""

    def __init__(self, js: Any) -> None:
        self.js = js
        self.greeting: Greeting = _read_greeting(json.loads(js.hello()))
        self.indexes: weakref.WeakSet[InProcessIndex] = weakref.WeakSet()

    def build(
        self, rows: Stored, options: Header, on_progress: ProgressListener | None
    ) -> InProcessIndex:
        plain = {
            name: _arrays.raveled(option, "float32").tolist()
            if _arrays.is_array(option)
            else option
            for name, option in options.items()
        }
        with self.placed(rows) as placed:
            made = _answer(self.js.build, placed, json.dumps(plain))
        index = InProcessIndex(self, made, rows.shape[0])
        self.indexes.add(index)
        return index

    def load(
        self, dump: Any, threads: int | None, on_progress: ProgressListener | None
    ) -> InProcessIndex:
        raise InvalidArgument("saved indexes cannot be loaded inside Pyodide: build them of rows")

    @contextmanager
    def placed(self, rows: Stored | None) -> Iterator[Any]:
        """The rows in the engine's memory, freed at the end unless a call took them."""
        if rows is None:
            yield None
            return
        placed = _answer(self.js.rows, *rows.shape, _dtype(rows))
        try:
            for start, block in _blocks(rows):
                _answer(placed.write, start, block)
            yield placed
        finally:
            placed.dispose()


class InProcessIndex:
    """Rows at the engine in this process."""

    def __init__(self, engine: InProcess, made: Any, count: int) -> None:
        self._engine = engine
        self._js = made
        self._count = count
        self.prepared = False
        reply = json.loads(made.reply)
        self._n_neighbors = int(reply["n_neighbors"])
        self.parameters: dict[str, Any] = dict(reply["parameters"])
        self._finalizer = weakref.finalize(self, made.close)
        self._finalizer.atexit = False  # The engine ends with this process.

    def is_usable(self) -> bool:
        return self._finalizer.alive

    def neighbor_graph(self, on_progress: ProgressListener | None) -> Hits:
        hits = Hits.empty(self._count, self._n_neighbors)
        _answer(self._js.neighborGraph, *hits)
        return hits

    def query(
        self, rows: Matrix, k: int, effort: Header, on_progress: ProgressListener | None
    ) -> Hits:
        most = self._engine.greeting.limits["maxK"]
        if k > most:  # Before memory is made for so many.
            raise InvalidArgument(f"k is {k}, allowed: integer 0 to {most}")
        if "filter" in effort:
            raise InvalidArgument("queries cannot be filtered inside Pyodide")
        if not OUTCOMES.isdisjoint(effort):
            raise InvalidArgument("inside Pyodide queries take epsilon or ef alone")
        hits = Hits.empty(rows.shape[0], k)
        with self._engine.placed(rows) as placed:
            _answer(self._js.query, placed, k, json.dumps(effort), *hits)
        self.prepared = True
        return hits

    def update(self, changes: Changes, on_progress: ProgressListener | None) -> None:
        if changes.removed is not None:
            raise InvalidArgument("rows cannot be deleted inside Pyodide")
        with ExitStack() as parts:
            replacing = parts.enter_context(self._engine.placed(changes.replacing))
            fresh = parts.enter_context(self._engine.placed(changes.fresh))
            _answer(self._js.update, replacing, changes.positions, fresh)
        if changes.fresh is not None:
            self._count += changes.fresh.shape[0]

    def prepare(self, on_progress: ProgressListener | None) -> None:
        if not self.prepared:
            _answer(self._js.prepare)
            self.prepared = True

    def dump(self) -> bytes:
        return bytes(_answer(self._js.dump).to_bytes())

    def attach(self, products: bytes | bytearray) -> None:
        _answer(self._js.attach, products)

    def plan(self) -> dict[str, Any]:
        return dict(json.loads(_answer(self._js.plan)))

    def stats(self) -> dict[str, Any]:
        return dict(json.loads(_answer(self._js.stats)))

    def verify(self) -> dict[str, Any]:
        return dict(json.loads(_answer(self._js.verify)))

    def close(self) -> None:
        self._finalizer()


@lru_cache(maxsize=1)
def engine() -> InProcess:
    """The engine of this process. EngineUnavailable when nobody has registered it."""
    try:
        import hnsw_bridge_js
    except ImportError:
        raise EngineUnavailable(
            "no module hnsw_bridge_js: the JavaScript that loaded Pyodide has to register it, with "
            "install(pyodide) of hnsw-bridge/pyodide"
        ) from None
    return InProcess(hnsw_bridge_js)


def connect(endpoint: str, token: str | None = None, server_key: object = None) -> NoReturn:
    """There is no other engine than the one in this process: raises EngineUnavailable."""
    raise EngineUnavailable(f"no server can be reached from Pyodide, got {endpoint!r}")


def shutdown() -> None:
    """Free all indexes. The next use of one hands its rows over again."""
    if engine.cache_info().currsize:
        for index in list(engine().indexes):
            index.close()


def stats() -> dict[str, Any]:
    """What the engine counts: ``{"server": {"calls": {op: n}, …}, "session": {…}}``."""
    return dict(snake_case(json.loads(engine().js.stats())))


def _blocks(rows: Stored) -> Iterator[tuple[int, Matrix]]:
    """The rows and where they begin, as float32 or bytes."""
    count, dim = rows.shape
    if not isinstance(rows, NarrowRows):
        if count:
            yield 0, rows
        return
    step = max(1, _BLOCK_ROWS_BYTES // (4 * dim))
    for start in range(0, count, step):
        yield start, rows.wide(start, start + step)


def _dtype(rows: Stored) -> str:
    return "float32" if isinstance(rows, NarrowRows) else _arrays.dtype_name(rows)


def _answer(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a call into JavaScript returns. What it throws is raised, by its code."""
    try:
        return call(*arguments)
    except JsException as error:
        code = getattr(error, "code", None) or "ERR_INTERNAL"
        raise error_from(str(code), str(error.message)) from None
