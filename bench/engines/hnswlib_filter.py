"""hnswlib's filter as its C++ headers have it, over bits: in Python it calls back for every row."""

import ctypes
import time

import numpy as np
from harness.machine import versions

from engines.hnswlib_headers import library, pointer, sizes


class Engine:
    def __init__(self, threads: int) -> None:
        self._library = library("hnswlib_filter")
        self._threads = threads

    def ready(self, rows, k, metric, options):
        if metric != "euclidean":
            raise ValueError(f"hnswlib's filter is set up for euclidean here, not for {metric!r}")
        counts = sizes(*rows.shape, options["M"], options["ef_construction"], self._threads)
        return ctypes.c_void_p(self._library.make(pointer(np.ascontiguousarray(rows)), *counts))

    def filtered(self, index, queries, k, setting, bits_file) -> tuple[float, np.ndarray]:
        """Seconds of a loop over the queries on one thread, and the answers."""
        queries, bits = np.ascontiguousarray(queries), np.fromfile(bits_file, np.uint8)
        indices = np.empty((len(queries), k), np.int32)
        counts = sizes(*queries.shape, k, max(k, setting["ef"]))
        start = time.perf_counter()
        self._library.filtered(index, pointer(queries), *counts, pointer(bits), pointer(indices))
        return time.perf_counter() - start, indices

    def describe(self, index) -> dict:
        return {"versions": versions("hnswlib", "numpy")}
