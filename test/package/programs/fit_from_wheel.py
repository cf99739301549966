"""Fits UMAP where only the wheel and umap-learn are installed, and prints what was seen as JSON.

Asserts nothing: test/package/wheel.test.ts does. Only numpy is used to find the exact neighbours.
"""

import json
import shutil

import hnsw_bridge
import numpy as np
from hnsw_bridge._launch import find_command
from hnsw_bridge.umap import UMAP

N, DIM, K = 1200, 16, 15


def exact_neighbours(rows: np.ndarray) -> np.ndarray:
    squares = (rows**2).sum(1)
    return np.argsort(squares[:, None] - 2 * rows @ rows.T + squares, axis=1)[:, :K]


rows = np.random.default_rng(7).normal(size=(N, DIM)).astype(np.float32)
model = UMAP(n_neighbors=K, n_epochs=5, init="random", force_approximation_algorithm=True)
model.fit(rows)
placed = model.transform(rows[:20])
found, exact = model._knn_indices, exact_neighbours(rows.astype(np.float64))
hits = [np.isin(*pair).mean() for pair in zip(found, exact, strict=True)]

print(
    json.dumps(
        {
            "tools": {tool: shutil.which(tool) for tool in ("node", "npm", "cargo")},
            "command": find_command(),
            "package": hnsw_bridge.__file__,
            "engine": type(model._knn_search_index).__module__,
            "calls": hnsw_bridge.stats()["server"]["calls"],
            "recall": float(np.mean(hits)),
            "shapes": [list(model.embedding_.shape), list(placed.shape)],
            "finite": bool(np.isfinite(model.embedding_).all() and np.isfinite(placed).all()),
        }
    )
)
