"""Prepare an index for long enough to show progress."""

import numpy as np

import hnsw_bridge

rows = np.random.RandomState(0).standard_normal((15_000, 128)).astype(np.float32)
with hnsw_bridge.options(algorithm="hnsw", m=32, ef_construction=400):
    index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=15, verbose=True)
index.prepare()
