"""Make an index at the server of the environment, and tell how many there are: mine and all."""

import numpy as np

import hnsw_bridge

index = hnsw_bridge.HnswIndexWrapper(np.eye(9), n_neighbors=3)
stats = hnsw_bridge.stats()
print("indexes", len(stats["session"]["indexes"]), "of", stats["server"]["indexes"])
