"""The first index of a fresh process: its seconds, and what was imported to make it."""

import sys
import time

import numpy as np

from hnsw_bridge import HnswIndexWrapper

rows = np.random.RandomState(0).standard_normal((300, 10)).astype(np.float32)
start = time.perf_counter()
index = HnswIndexWrapper(rows, n_neighbors=15, random_state=1)
indices, _ = index.neighbor_graph
seconds = time.perf_counter() - start
assert (indices[:, 0] == np.arange(300)).all()
print(seconds, "compiler" if {"numba", "llvmlite"} & set(sys.modules) else "none")
