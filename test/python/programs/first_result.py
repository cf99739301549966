"""The shortest useful program."""

import numpy as np

from hnsw_bridge import HnswIndexWrapper

rows = np.random.RandomState(0).standard_normal((300, 5))
print(HnswIndexWrapper(rows, n_neighbors=15).neighbor_graph[0].shape[1])
