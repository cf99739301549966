"""hnswlib's epsilon search, which only its C++ headers have."""

import ctypes
import time

import numpy as np
from harness.machine import versions

from engines.hnswlib_headers import library, pointer, sizes


class Engine:
    def __init__(self, threads: int) -> None:
        self._library = library("hnswlib_epsilon")

    def ready_for_radius(self, rows, metric, options):
        if metric != "euclidean":
            raise ValueError(f"hnswlib's epsilon is set up for euclidean here, not for {metric!r}")
        n, self._dim = rows.shape
        counts = sizes(n, self._dim, options["M"], options["ef_construction"])
        return ctypes.c_void_p(self._library.make(pointer(np.ascontiguousarray(rows)), *counts))

    def within(self, index, queries, radius, most) -> dict:
        """Seconds of a loop over the queries, and how many rows each has."""
        queries = np.ascontiguousarray(queries)
        counts = np.zeros(len(queries), np.int32)
        shape = sizes(len(queries), self._dim)
        # Its distances are squares.
        squared, wanted = ctypes.c_float(radius * radius), ctypes.c_size_t(most)
        start = time.perf_counter()
        self._library.within(index, pointer(queries), *shape, squared, wanted, pointer(counts))
        return {"seconds": time.perf_counter() - start, "counts": counts.tolist()}

    def describe(self, index) -> dict:
        return {"versions": versions("hnswlib", "numpy")}
