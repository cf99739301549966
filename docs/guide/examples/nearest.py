from hnsw_bridge import HnswIndexWrapper

rows = [[x, x * x] for x in range(1000)]
index = HnswIndexWrapper(rows, n_neighbors=3, random_state=42)
indices, distances = index.query([[500.25, 250000]], k=2)

print(f"row {indices[0, 0]} is nearest, at {distances[0, 0]}")
