"""hnsw-bridge for ann-benchmarks: its index over the bridge, one query at a time or as a batch."""

import hnsw_bridge
import numpy as np
import psutil

from ..base.module import BaseANN

METRICS = {"euclidean": "euclidean", "angular": "cosine", "hamming": "bit_hamming"}


class HnswBridge(BaseANN):
    """``index_param_dict``: ``n_neighbors``, and engine options such as ``m``, ``algorithm``."""

    def __init__(self, metric, index_param_dict):
        self._metric = METRICS[metric]
        self._options = dict(index_param_dict)
        self._n_neighbors = int(self._options.pop("n_neighbors", 30))
        self._epsilon = 0.1
        self._counted = 0
        # starts the server: it is there before the index's time and memory are measured
        self._server = hnsw_bridge.stats()["server"]["pid"]

    def fit(self, X):
        with hnsw_bridge.options(**self._options):
            index = hnsw_bridge.HnswIndexWrapper(
                self._rows(X), metric=self._metric, n_neighbors=self._n_neighbors, random_state=42
            )
        if not isinstance(index, hnsw_bridge.HnswIndexWrapper):
            raise RuntimeError("the engine is not available: PyNNDescent would have answered")
        index.prepare()
        self._index, self._count = index, len(X)

    def set_query_arguments(self, epsilon):
        self._epsilon = float(epsilon)
        self._counted = self._index.stats()["distances"]

    def query(self, v, n):
        return self._found(self._rows(v[None, :]), n)[0]

    def batch_query(self, X, n):
        self._results = self._found(self._rows(X), n)

    def get_batch_results(self):
        return self._results

    def get_additional(self):
        return {"dist_comps": self._index.stats()["distances"] - self._counted}

    def get_memory_usage(self):
        """Kilobytes of this process and of the server."""
        own, server = psutil.Process(), psutil.Process(self._server)
        return (own.memory_info().rss + server.memory_info().rss) / 1024

    def done(self):
        if hasattr(self, "_index"):
            self._index.close()

    def _rows(self, rows):
        """As the engine takes them: packed bits, or float32."""
        if self._metric == "bit_hamming":
            return np.packbits(np.asarray(rows, dtype=bool), axis=1)
        return np.ascontiguousarray(rows, dtype=np.float32)

    def _found(self, rows, n):
        indices = self._index.query(rows, k=n, epsilon=self._epsilon, return_distances=False)
        # the columns beyond the number of rows are -1
        return indices[:, : self._count]

    def __str__(self):
        options = {"n_neighbors": self._n_neighbors, **self._options, "epsilon": self._epsilon}
        return f"hnsw-bridge({', '.join(f'{k}={v}' for k, v in options.items())})"
