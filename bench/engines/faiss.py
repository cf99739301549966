"""faiss: exact search by matrix products (``index`` flat, OpenBLAS float32), or its HNSW."""

import os
import time

from harness.machine import describe, versions

from engines.common import named, unit_rows

# The wheel carries an OpenBLAS of 2021 that takes its slowest kernels on any CPU it does not know:
# named by instruction set, they are four times faster there.
KERNELS = {"avx512f": "SkylakeX", "avx2": "Haswell"}
# Cosines are the inner products of rows of length 1.
METRICS = {"euclidean": "METRIC_L2", "cosine": "METRIC_INNER_PRODUCT"}


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
        self._threads = threads
        faiss.omp_set_num_threads(threads)

    def build(self, rows, k, metric, options):
        self._cosine = metric == "cosine"
        kind = getattr(self._library, named(metric, METRICS, "faiss"))
        if options.get("index") == "hnsw":
            index = self._library.IndexHNSWFlat(rows.shape[1], options["M"], kind)
            index.hnsw.efConstruction = options["ef_construction"]
        else:
            index = self._library.IndexFlat(rows.shape[1], kind)
        index.add(self._taken(rows))
        return index

    ready = build

    def save(self, index, path) -> None:
        self._library.write_index(index, path)

    def load(self, path, shape, metric):
        self._cosine = metric == "cosine"
        return self._library.read_index(path)

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        self._library.omp_set_num_threads(threads)
        if "ef" in setting:
            index.hnsw.efSearch = max(k, setting["ef"])
        return index.search(self._taken(queries), k)[1]

    def ready_for_radius(self, rows, metric, options):
        self._library.omp_set_num_threads(1)
        return self.build(rows, 1, metric, options)

    def within(self, index, queries, radius, most) -> dict:
        """Seconds of a loop over the queries, and how many rows each has: no more are kept."""
        if self._cosine:
            raise ValueError("faiss is set up for euclidean radii here")
        start = time.perf_counter()
        counts = []
        for query in queries:
            # Its distances are squares, and of its rows it keeps all.
            found = index.range_search(query[None], radius * radius)
            counts.append(min(most, int(found[0][1])))
        return {"seconds": time.perf_counter() - start, "counts": counts}

    def _taken(self, rows):
        return unit_rows(rows) if self._cosine else rows

    def describe(self, index) -> dict:
        return {"versions": versions("faiss-cpu", "numpy")}

    def release(self, index) -> None:
        index.reset()
