"""Metrics that are numba functions: an index whose distances are all computed in this process.

The engine's process cannot run a caller's function. Up to `MAX_CALLABLE_ROWS` rows the scan is
exact and takes less time than PyNNDescent needs to compile its search for a new function; above,
`_select` leaves the call to PyNNDescent. What may not enter: how the scan is done.
"""

from __future__ import annotations

import sys
from typing import Any

from ._changes import Changes
from ._connection import ProgressListener
from ._errors import InvalidArgument
from ._forms import Form, Matrix
from ._protocol import Header, Hits
from ._scan import Scan, check_finite

MAX_CALLABLE_ROWS = 16_384
"""Rows up to which a callable metric is answered here: a quarter of 10^9 calls for the graph."""


def is_compiled(metric: Any) -> bool:
    """Whether `metric` is a function compiled by numba; does not import numba to find out."""
    if "numba" not in sys.modules:
        return False
    from numba.core.dispatcher import Dispatcher

    return isinstance(metric, Dispatcher)


def not_compiled(metric: Any) -> InvalidArgument:
    """The error for a callable that compiled code cannot call."""
    return InvalidArgument(f"a callable metric must be compiled with numba.njit, got {metric!r}")


class CallableIndex:
    """Rows in this process and a numba function of two. The same operations as `RemoteIndex`."""

    def __init__(self, rows: Matrix, form: Form, scan: Scan, n_neighbors: int) -> None:
        check_finite(rows, "data")
        scan.compile(rows)
        self._rows = rows
        self._form = form
        self._scan = scan
        self._n_neighbors = n_neighbors
        self._graph: Hits | None = None
        self.prepared = True
        self.parameters: dict[str, Any] = {"algorithm": "exact"}

    def is_usable(self) -> bool:
        return True

    def neighbor_graph(self, on_progress: ProgressListener | None) -> Hits:
        if self._graph is None:
            self._graph = self._scan.neighbor_graph(self._rows, self._n_neighbors, on_progress)
        return self._graph

    def query(
        self, rows: Matrix, k: int, effort: Header, on_progress: ProgressListener | None
    ) -> Hits:
        check_finite(rows, "query_data")
        return self._scan.query(self._rows, rows, k, on_progress)

    def update(self, changes: Changes, on_progress: ProgressListener | None) -> None:
        check_finite(changes.replacing, "xs_updated")
        check_finite(changes.fresh, "xs_fresh")
        self._rows = changes.applied_to(self._rows, self._form)
        self._graph = None

    def prepare(self, on_progress: ProgressListener | None) -> None:
        """Nothing to do: a scan needs no search index."""

    def dump(self) -> None:
        """Nothing to keep: a scan has no products but the graph."""

    def attach(self, products: bytes | bytearray) -> None:
        """Nothing to take over."""

    def plan(self) -> dict[str, Any]:
        return dict(self.stats()["plan"])

    def stats(self) -> dict[str, Any]:
        reason = f"a numba function, called for all pairs up to {MAX_CALLABLE_ROWS} rows"
        plan = {"algorithm": "exact", "reason": reason}
        n, dim = self._rows.shape
        return {"rows": n, "dim": dim, "plan": {"neighbor_graph": plan, "query": plan}}

    def verify(self) -> dict[str, Any]:
        """Nothing is derived from the rows, so nothing can be wrong with it."""
        return {"sound": True, "problems": [], "rows": self._rows.shape[0], "links": None}

    def close(self) -> None:
        self._rows, self._graph = self._rows[:0], None
