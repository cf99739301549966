"""This project's engine as Python callers reach it: upload, build and reply are in its seconds."""

import numpy as np
from harness.machine import versions

from engines.pynndescent import umap_arguments


class Engine:
    def __init__(self, threads: int) -> None:
        import hnsw_bridge

        self._package = hnsw_bridge
        self._make = hnsw_bridge.HnswIndexWrapper
        self._threads = threads

    def build(self, rows, k, metric, options):
        index = self._make(
            rows,
            n_neighbors=k,
            metric=metric,
            random_state=np.random.RandomState(42),
            n_jobs=self._threads,
            **{**umap_arguments(len(rows)), **options},
        )
        if not isinstance(index, self._make):
            raise RuntimeError("the engine is not available: PyNNDescent would have answered")
        return index

    def neighbors(self, index, rows, k, setting):
        return index.neighbor_graph[0]

    def describe(self, index) -> dict:
        own = index.stats()
        return {
            "versions": versions("hnsw-bridge", "numpy"),
            "helpers": [self._package.stats()["server"]["pid"]],
            "plan": own["plan"],
            "compute_s": own["plan"]["neighbor_graph"]["seconds"],
        }

    def release(self, index) -> None:
        index.close()
