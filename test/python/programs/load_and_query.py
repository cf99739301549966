"""Load an index that another process stored, and store what it answers."""

import sys
from pathlib import Path

import joblib
import numpy as np

folder = Path(sys.argv[1])
index = joblib.load(folder / "index.joblib")
indices, distances = index.query(np.load(folder / "queries.npy"), k=6)
graph_indices, graph_distances = index.neighbor_graph
np.savez(folder / "found.npz", i=indices, d=distances, gi=graph_indices, gd=graph_distances)
