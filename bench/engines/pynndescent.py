"""PyNNDescent, called as umap-learn 0.5.12 calls it."""

import numpy as np
from harness.machine import versions


def umap_arguments(count: int) -> dict:
    """What umap-learn hands over besides rows, metric and n_neighbors."""
    return {
        "n_trees": min(64, 5 + round(count**0.5 / 20.0)),
        "n_iters": max(5, round(np.log2(count))),
        "max_candidates": 60,
        "low_memory": True,
        "compressed": False,
        "verbose": False,
    }


class Engine:
    def __init__(self, threads: int) -> None:
        from pynndescent import NNDescent

        self._make = NNDescent
        self._threads = threads

    def build(self, rows, k, metric, options):
        return self._make(
            rows,
            n_neighbors=k,
            metric=metric,
            random_state=np.random.RandomState(42),
            n_jobs=self._threads,
            **{**umap_arguments(len(rows)), **options},
        )

    def neighbors(self, index, rows, k, setting):
        return index.neighbor_graph[0]

    def describe(self, index) -> dict:
        return {"versions": versions("pynndescent", "numba", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
