"""This project's engine as Python callers reach it: upload, build and reply are in its seconds.

Options ``algorithm`` and ``graph_recall`` are the engine's own; the others are PyNNDescent's.
"""

import pickle

import numpy as np
from harness.machine import versions

from engines.pynndescent import umap_arguments

OWN_OPTIONS = ("algorithm", "graph_recall")


class Engine:
    def __init__(self, threads: int) -> None:
        import hnsw_bridge

        self._package = hnsw_bridge
        self._make = hnsw_bridge.HnswIndexWrapper
        self._threads = threads
        self._twins = {}

    def build(self, rows, k, metric, options):
        own = {name: options[name] for name in OWN_OPTIONS if name in options}
        others = {name: value for name, value in options.items() if name not in own}
        with self._package.options(**own):
            index = self._make(
                rows,
                n_neighbors=k,
                metric=metric,
                random_state=np.random.RandomState(42),
                n_jobs=self._threads,
                **{**umap_arguments(len(rows)), **others},
            )
        if not isinstance(index, self._make):
            raise RuntimeError("the engine is not available: PyNNDescent would have answered")
        return index

    def neighbors(self, index, rows, k, setting):
        return index.neighbor_graph[0]

    def ready(self, rows, k, metric, options):
        given = {**options}
        index = self.build(rows, given.pop("n_neighbors"), metric, given)
        index.prepare()
        return index

    def query(self, index, queries, k, setting, threads):
        self._asked = self._on(index, threads)
        return self._asked.query(queries, k=k, epsilon=setting["epsilon"])[0]

    def query_plan(self, index) -> dict:
        return self._asked.plan["query"]

    def _on(self, index, threads: int):
        """The index on that many threads: a twin with the same products, for they are its own."""
        if threads == self._threads:
            return index
        if threads not in self._twins:
            twin = pickle.loads(pickle.dumps(index))
            twin.n_jobs = threads
            self._twins[threads] = twin
        return self._twins[threads]

    def describe(self, index) -> dict:
        own = index.stats()
        return {
            "versions": versions("hnsw-bridge", "numpy"),
            "helpers": [self._package.stats()["server"]["pid"]],
            "plan": own["plan"],
            "compute_s": own["plan"]["neighbor_graph"]["seconds"],
        }

    def release(self, index) -> None:
        for twin in self._twins.values():
            twin.close()
        self._twins.clear()
        index.close()
