"""usearch: an HNSW built by insertion, rows kept as float32 or in a smaller type (``dtype``)."""

import numpy as np
from harness.machine import versions

from engines.common import named

METRICS = {"euclidean": "l2sq", "cosine": "cos"}


class Engine:
    def __init__(self, threads: int) -> None:
        from usearch.index import Index

        self._make = Index
        self._threads = threads

    def build(self, rows, k, metric, options):
        kind = named(metric, METRICS, "usearch")
        index = self._make(ndim=rows.shape[1], metric=kind, **{"dtype": "f32", **options})
        index.add(np.arange(len(rows)), rows, threads=self._threads)
        return index

    ready = build

    def delete(self, index, ids) -> None:
        index.remove(ids)

    def add(self, index, ids, fresh) -> None:
        index.add(ids, fresh, threads=self._threads)

    def replace(self, index, ids, others) -> None:
        index.remove(ids)
        self.add(index, ids, others)

    def save(self, index, path) -> None:
        index.save(path)

    def load(self, path, shape, metric):
        return self._make.restore(path, view=False)

    def map(self, path, shape, metric):
        return self._make.restore(path, view=True)

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        index.expansion_search = max(k, setting["ef"])
        return index.search(queries, k, threads=threads).keys

    def describe(self, index) -> dict:
        return {"versions": versions("usearch", "numpy")}

    def release(self, index) -> None:
        index.reset()
