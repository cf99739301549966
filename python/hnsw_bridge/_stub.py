"""A stand-in for pynndescent where only this engine is wanted: no import, no compilation.

umap imports three names from it: the class, and two tables of metrics that it asks for names, and
takes functions from where it compares all pairs itself. scanpy's ingest asks for trees it does not
use. That is all there is here:

    pynndescent                 NNDescent, PyNNDescentTransformer: ours
    pynndescent.pynndescent_    the same
    pynndescent.distances       named_distances: the engine's metrics of dense and packed rows
    pynndescent.sparse          sparse_named_distances: the engine's metrics of sparse rows
    pynndescent.rp_trees        make_forest: no trees

What may not enter: distances. There is no fallback to PyNNDescent in a process that has this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ._engine import engine
from .index import HnswIndexWrapper


class PairFunction:
    """Stands for the function of a metric; it is the index that knows how to compute it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_: Any, **__: Any) -> float:
        """Raises ImportError: a caller that compares pairs itself needs the real one."""
        raise ImportError(
            f"the metric {self.name!r} of single pairs needs pynndescent, for which hnsw_bridge "
            "stands in here; umap asks an index instead with force_approximation_algorithm=True"
        )


class MetricTable(Mapping[str, PairFunction]):
    """The engine's metrics for rows of some forms, by name and alias. Starts a server if asked."""

    def __init__(self, *forms: str) -> None:
        self.forms = frozenset(forms)

    def __getitem__(self, name: str) -> PairFunction:
        if name not in self._names():
            raise KeyError(name)
        return PairFunction(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        metrics = engine().greeting.metrics
        return [name for name, metric in metrics.items() if self.forms & set(metric.forms)]


def put_in_place() -> bool:
    """Make ``import pynndescent`` find the stand-in. False where one is imported already."""
    if sys.modules.get("pynndescent") is not None:
        return False
    for module in _modules():
        sys.modules[module.__name__] = module
        package, _, name = module.__name__.rpartition(".")
        if package:
            setattr(sys.modules[package], name, module)
    return True


def _modules() -> list[ModuleType]:
    classes = {"NNDescent": HnswIndexWrapper, "__getattr__": _transformer}
    contents: dict[str, dict[str, Any]] = {
        "pynndescent": {**classes, "__path__": []},
        "pynndescent.pynndescent_": classes,
        "pynndescent.distances": {"named_distances": MetricTable("dense", "bits")},
        "pynndescent.sparse": {"sparse_named_distances": MetricTable("sparse")},
        "pynndescent.rp_trees": {"make_forest": lambda *_, **__: []},
    }
    modules = []
    for name, content in contents.items():
        module = ModuleType(name, "A stand-in of hnsw_bridge: see hnsw_bridge.install.")
        module.__spec__ = ModuleSpec(name, None, is_package="__path__" in content)
        vars(module).update(content)
        modules.append(module)
    return modules


def _transformer(name: str) -> Any:
    if name != "PyNNDescentTransformer":
        raise AttributeError(f"hnsw_bridge's stand-in for pynndescent has no {name!r}")
    from .transformers import PyNNDescentTransformer  # Needs scikit-learn.

    return PyNNDescentTransformer
