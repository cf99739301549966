"""faiss flat: exact search by matrix products (OpenBLAS, float32)."""

import numpy as np
from harness.machine import versions


class Engine:
    def __init__(self, threads: int) -> None:
        import faiss

        self._library = faiss
        faiss.omp_set_num_threads(threads)

    def build(self, rows, k, metric, options):
        if metric == "euclidean":
            index = self._library.IndexFlatL2(rows.shape[1])
        elif metric == "cosine":
            # the rows are scaled on a copy: the caller's stay as they are
            index = self._library.IndexFlatIP(rows.shape[1])
            rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        else:
            raise ValueError(f"faiss flat is not set up for metric {metric!r}")
        index.add(rows)
        return index

    def neighbors(self, index, rows, k, setting):
        return index.search(rows, k)[1]

    def describe(self, index) -> dict:
        return {"versions": versions("faiss-cpu", "numpy")}

    def release(self, index) -> None:
        index.reset()
