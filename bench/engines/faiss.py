"""faiss flat: exact search by matrix products (OpenBLAS, float32)."""

import os

import numpy as np
from harness.machine import describe, versions

# The wheel carries an OpenBLAS of 2021 that takes its slowest kernels on any CPU it does not know:
# named by instruction set, they are four times faster there.
KERNELS = {"avx512f": "SkylakeX", "avx2": "Haswell"}


def name_kernels() -> None:
    """Names OpenBLAS's kernels, unless the user has; works only before the library is loaded."""
    features = describe()["features"]
    best = next((name for feature, name in KERNELS.items() if feature in features), None)
    if best:
        os.environ.setdefault("OPENBLAS_CORETYPE", best)


class Engine:
    def __init__(self, threads: int) -> None:
        name_kernels()
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
