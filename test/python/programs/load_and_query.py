"""Load an index that another process stored, and store what it answers."""

import json
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np

import hnsw_bridge

folder = Path(sys.argv[1])
index = joblib.load(folder / "index.joblib")
indices, distances = index.query(np.load(folder / "queries.npy"), k=6)
found = {"i": indices, "d": distances}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # A compressed index has no graph, and warns of it.
    graph = index.neighbor_graph
if graph is not None:
    found |= {"gi": graph[0], "gd": graph[1]}
np.savez(folder / "found.npz", **found)
server, own = hnsw_bridge.stats()["server"], index.stats()
calls = {op: n for op, n in server["calls"].items() if n and op not in ("hello", "rows", "stats")}
print(json.dumps({"calls": calls, "built": own["graph_builds"] + own["search_builds"]}))
