"""An index as Python holds it: its rows here, and what is made of them at the engine.

    rows       kept here, in as few bytes as they need: what makes an index outlive its server
    engine     an index there, made again of the rows when the server is another one by now
    products   of a pickle, to be handed over when the index there is made

All that is common to `Index` and `HnswIndexWrapper`; they add their names, parameters and
behaviours, and the mixins beside this file (`RadiusSearch`) their searches. What may not enter:
PyNNDescent's names and rules, frames and sockets.
"""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from . import _arrays, _metrics
from ._changes import Changes
from ._engine import EngineIndex, engine
from ._errors import (
    Closed,
    CorruptFile,
    HnswError,
    InvalidArgument,
    OutOfMemory,
    UnknownId,
    UnsupportedVersion,
    answer_of,
)
from ._forms import FORMS, Form, Matrix, Stored, none_of, wide
from ._ids import Ids
from ._locks import ForkSafeLock
from ._names import snake_case
from ._progress import progress_bar
from ._protocol import Header, Hits
from ._remote import RemoteIndex

_EFFORT = ("n_trees", "n_iters", "max_candidates", "m", "ef_construction")
# What makes products of another place useless, so that they are built anew.
_USELESS = (InvalidArgument, CorruptFile, UnsupportedVersion, OutOfMemory, UnknownId)


class HeldIndex:
    """Rows here, an index of them at the engine; see the module."""

    # Not of the index but of this process: neither pickled nor written to files.
    _RUNTIME: ClassVar[frozenset[str]] = frozenset(
        {"_lock", "_remote_index", "_graph", "_products", "_rows"}
    )

    dim: int
    metric: Any
    metric_kwds: dict[str, Any] | None
    n_neighbors: int
    n_jobs: int | None
    quantization: str | None
    verbose: bool
    _form_name: str
    _effort: Header
    _engine_options: dict[str, Any]
    _seed: int
    _ids: Ids | None = None  # None while ids are positions.
    _closed: bool
    _rows: Stored
    _remote_index: EngineIndex | None
    _graph: Hits | None
    _products: bytes | bytearray | None

    # ------------------------------------------------------------------ the engine

    @property
    def plan(self) -> dict[str, Any]:
        """What the engine picked for each product (``neighbor_graph``, ``query``), and why."""
        return self._remote().plan()

    @property
    def engine_parameters(self) -> dict[str, Any]:
        """The effective HNSW parameters (m, ef_construction, ...)."""
        return dict(self._remote().parameters)

    def stats(self) -> dict[str, Any]:
        """What the engine tells of this index: rows, sizes in bytes, links, counters, the plan.

        Returns
        -------
        dict
            The names of TypeScript's ``stats()`` in snake_case: ``rows``, ``rows_bytes``,
            ``links_bytes``, ``search_ready``, ``search_builds``, ``rebuild_advised``, ...
        """
        told: dict[str, Any] = snake_case(self._remote().stats())
        return told

    def close(self) -> None:
        """Free the rows here and at the server at once. Any later call raises `Closed`."""
        with self._lock:
            if self._remote_index is not None:
                self._remote_index.close()
            self._remote_index, self._graph, self._closed = None, None, True
            self._rows = none_of(self._stored())

    def _remote(self) -> EngineIndex:
        """The index at the server; sends the rows again when the server is another one by now."""
        with self._lock:
            if self._closed:
                raise Closed("the index is closed")
            if self._remote_index is None or not self._remote_index.is_usable():
                self._remote_index = self._build()
            return self._remote_index

    def _at_server(self, what: str) -> RemoteIndex:
        """The index, for what only a server does."""
        remote = self._remote()
        if not isinstance(remote, RemoteIndex):
            raise InvalidArgument(f"{what} needs a server, not the engine inside Pyodide")
        return remote

    def _build(self) -> EngineIndex:
        options = self._wire_options()
        with progress_bar(self.verbose) as listener:
            remote = engine().build(self._stored(), options, listener)
        self._keep_effort_of(remote)
        if self._products is not None:
            with contextlib.suppress(*_USELESS):
                remote.attach(self._products)
            self._products = None
        return remote

    def _keep_effort_of(self, remote: EngineIndex) -> None:
        """What follows from the rows at first stays when they change and are sent again: products
        belong to it."""
        made_with = remote.parameters
        self._effort.update({name: made_with[name] for name in _EFFORT if name in made_with})

    def _wire_options(self) -> Header:
        metric = _metrics.find_metric(self.metric, engine().greeting)
        given = dict(self._effort)
        threads = self._threads()
        if threads is not None:
            given["threads"] = threads
        if self.quantization is not None:
            given["quantization"] = self.quantization
        return {
            "metric": self.metric,
            "n_neighbors": self.n_neighbors,
            "seed": str(self._seed),
            **given,
            **_metrics.metric_options(metric, self.metric_kwds, self._form, self.dim),
            **self._engine_options,
            **({} if self._ids is None else {"ids": self._ids.all, "next_id": self._ids.next_id}),
        }

    def _threads(self) -> int | None:
        """The threads to ask for, no more than the engine has; None for all."""
        if self.n_jobs is None or self.n_jobs == -1:
            return None
        return min(int(self.n_jobs), engine().greeting.threads)

    # ------------------------------------------------------------------ rows and products

    @property
    def _form(self) -> Form:
        return FORMS[self._form_name]

    def _stored(self) -> Stored:
        """The rows. A caller may have taken them off, to keep them out of a pickle."""
        rows = self.__dict__.get("_rows")
        if rows is None:
            raise InvalidArgument("this index has no rows: set its _raw_data")
        return rows

    def _names(self) -> Ids:
        """Of the rows that are there."""
        return self._ids or Ids.first(self._stored().shape[0])

    def _start_unconnected(self) -> None:
        self._lock = ForkSafeLock()
        self._remote_index = None
        self._graph = None
        self._products = None

    def _copied_graph(self) -> Hits:
        """The neighbour graph, asked for once; the arrays are the caller's."""
        with self._lock:
            if self._graph is None:
                with progress_bar(self.verbose) as listener:
                    self._graph = self._shown(self._remote().neighbor_graph(listener))
            return Hits(_arrays.copied(self._graph.indices), _arrays.copied(self._graph.distances))

    def _found(self, query_data: Any, name: str, k: int, effort: Header) -> Hits:
        rows = self._form.given(query_data, self.dim, name)
        with progress_bar(self.verbose) as listener:
            hits = self._remote().query(rows, k, effort, listener)
        return self._shown(hits)

    def _prepare(self) -> None:
        with self._lock, progress_bar(self.verbose) as listener:
            self._remote().prepare(listener)

    def _shown(self, hits: Hits) -> Hits:
        """Hits as the callers of this class know them."""
        return hits

    def _apply(self, changes: Changes, remote: EngineIndex) -> None:
        """Change rows here and there. After any error, and after Ctrl-C, nothing has changed."""
        before, names = self._stored(), self._ids
        if names is None and changes.removed is not None:
            names = Ids.first(before.shape[0])
        if names is not None:
            changes = changes.named(names.all)
            names = names.changed(changes.removed, _count(changes.fresh))
        after = self._form.kept(changes.applied_to(wide(before), self._form))
        try:
            with progress_bar(self.verbose) as listener:
                remote.update(changes, listener)
            self._rows, self._graph = after, None
            if names is not None:
                self._ids = names
        except HnswError:
            raise
        except BaseException as error:
            self._rows = before
            if (answer_of(error) or {}).get("type") != "error":
                # The rows are there, or nobody knows: the next call sends those of before.
                remote.close()
                self._remote_index = None
            raise


def _count(rows: Matrix | None) -> int:
    return 0 if rows is None else int(rows.shape[0])
