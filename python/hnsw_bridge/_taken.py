"""How an `Index` takes rows: what it is made with, checked before the engine has any of it.

What may not enter: the engine's index of them, and PyNNDescent's names and defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _metrics, _parameters
from ._engine import engine
from ._forms import Form
from ._matrix import is_sparse
from ._protocol import Header
from ._saved import SavedIndex

_COUNTS = ("m", "ef_construction", "ef", "max_candidates", "n_iters", "n_trees")


@dataclass(frozen=True)
class Making:
    """What an index is made with, as `Index` says."""

    metric: str
    metric_kwds: dict[str, Any] | None
    n_neighbors: int
    seed: int
    quantization: str | None
    n_threads: int | None
    verbose: bool
    engine: dict[str, Any]  # The engine's own options; None where they were not given.

    def form(self, sparse: bool) -> Form:
        """The form that rows are stored in. Raises for a metric or quantization that is not so."""
        known = _metrics.find_metric(self.metric, engine().greeting)
        form = _metrics.form_for(known, self.metric, sparse)
        _metrics.check_quantization(self.quantization, self.metric, known.quantizations, form)
        return form

    def engine_options(self) -> Header:
        """As the wire has them; the engine checks their range."""
        options = {name: value for name, value in self.engine.items() if value is not None}
        for name in _COUNTS:
            if name in options:
                least = 0 if name == "n_iters" else 1
                options[name] = _parameters.as_count(options[name], name, least)
        if "graph_recall" in options:
            options["graph_recall"] = _metrics.as_number(options["graph_recall"], "graph_recall")
        return options


class TakenIndex(SavedIndex):
    """An index of rows that were handed over with options of the engine."""

    def _take_rows(self, rows: Any, making: Making) -> None:
        """Check and keep rows and options; the engine has nothing of them yet."""
        self._is_sparse = is_sparse(rows)
        form = making.form(self._is_sparse)
        _parameters.check_threads(making.n_threads, "n_threads")
        self._form_name = form.name
        self._rows = form.stored(rows)
        _, self.dim = self._rows.shape
        self.metric, self.metric_kwds = making.metric, making.metric_kwds
        self.n_neighbors = _parameters.as_count(making.n_neighbors, "n_neighbors", 1)
        self.n_jobs, self.quantization = making.n_threads, making.quantization
        self.verbose = making.verbose
        self._seed = _parameters.as_count(making.seed, "seed", 0)
        self._effort = {}
        self._engine_options = {**_parameters.forced_options(), **making.engine_options()}
        self._closed = False
        self._start_unconnected()
