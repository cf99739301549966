"""Load a fitted UMAP that another process stored, and embed new rows with it."""

import hashlib
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np

import hnsw_bridge

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
model = pickle.loads((folder / "model.pickle").read_bytes())
new = np.load(folder / "new.npy")
shape = model.transform(new).shape
index = model._knn_search_index
print(type(model).__name__, type(index).__name__, shape)
print(hashlib.sha256(b"".join(found.tobytes() for found in index.query(new, k=5))).hexdigest())
calls, seen = hnsw_bridge.stats()["server"]["calls"], index.stats()
print({op: calls[op] for op in ("build", "attach", "neighbor_graph", "prepare", "query")})
print("built:", seen["graph_builds"] + seen["search_builds"])
