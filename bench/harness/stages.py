"""Real seconds of umap-learn's own stages, taken by wrapping the functions it calls."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

# name in umap.umap_ -> the stage it is
STAGES = {
    "nearest_neighbors": "neighbors",
    "fuzzy_simplicial_set": "fuzzy_set",
    "spectral_layout": "spectral_start",
    "optimize_layout_euclidean": "layout",
}


class Stages:
    """Wraps the functions for as long as the ``with`` block runs; adds up seconds per stage.

    ``compiled()``, where given, tells the seconds that have gone into compiling so far; those that
    fall into a stage are in ``compiling``, and in the stage's ``seconds`` too.
    """

    def __init__(self, module: Any, compiled: Callable[[], float] = lambda: 0.0) -> None:
        self._module = module
        self._compiled = compiled
        self._originals: dict[str, Callable] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.compiling: defaultdict[str, float] = defaultdict(float)
        self.results: dict[str, Any] = {}

    def __enter__(self) -> Stages:
        for name, stage in STAGES.items():
            self._originals[name] = getattr(self._module, name)
            setattr(self._module, name, self._timed(self._originals[name], stage))
        return self

    def __exit__(self, *_: object) -> None:
        for name, original in self._originals.items():
            setattr(self._module, name, original)

    def _timed(self, function: Callable, stage: str) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start, before = time.perf_counter(), self._compiled()
            result = function(*args, **kwargs)
            self.seconds[stage] += time.perf_counter() - start
            self.compiling[stage] += self._compiled() - before
            self.results[stage] = result
            return result

        return timed
