"""How long the first index takes in a fresh process, and what numba compiles for it."""

import time
import warnings

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import umap.umap_ as umap_  # noqa: E402
from numba.core import event  # noqa: E402

import hnsw_bridge  # noqa: E402

rows = np.random.RandomState(0).standard_normal((300, 50)).astype(np.float32)
hnsw_bridge.install("on")
with event.install_recorder("numba:compile") as recorder:
    began = time.perf_counter()
    indices, _, index = umap_.nearest_neighbors(
        rows, 15, "euclidean", {}, False, np.random.RandomState(0)
    )
    seconds = time.perf_counter() - began
    index.query(rows[:5], k=3)
    index.update(rows[:5])
print(type(index).__name__, indices.shape, f"{len(recorder.buffer)} compiled", f"{seconds:.2f} s")
