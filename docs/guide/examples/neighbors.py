import numpy as np
from hnsw_bridge import HnswIndexWrapper

rows = np.random.default_rng(42).normal(size=(2000, 64))

index = HnswIndexWrapper(rows, metric="cosine", n_neighbors=15, random_state=42)
indices, distances = index.neighbor_graph  # 2000 x 15, each row itself first
found, how_far = index.query(rows[:3], k=5)  # 3 x 5

print(index.plan["neighbor_graph"]["reason"])
print("nearest to row 0:", indices[0, 1], "at", distances[0, 1])
