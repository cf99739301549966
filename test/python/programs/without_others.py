"""Use the index where the packages that are not required cannot be imported."""

import sys

for name in ("umap", "pynndescent", "scipy", "sklearn", "numba", "tqdm", "pandas"):
    sys.modules[name] = None  # type: ignore[assignment]

import numpy as np  # noqa: E402

import hnsw_bridge  # noqa: E402

index = hnsw_bridge.HnswIndexWrapper(np.eye(30) * 3, n_neighbors=5, verbose=False)
try:
    hnsw_bridge.HnswIndexWrapper(np.eye(30), metric="jaccard-like")
except hnsw_bridge.UnknownMetric:
    print(*index.query(np.eye(30)[:3], k=1)[0][:, 0])
