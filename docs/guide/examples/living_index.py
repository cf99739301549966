import tempfile
from pathlib import Path

import numpy as np
from hnsw_bridge import Index

draw = np.random.default_rng(42)
rows, queries = draw.random((5000, 16)), draw.random((3, 16))

with Index(rows, metric="euclidean", n_neighbors=15, seed=42) as index:
    indices, distances = index.query(queries, k=5)  # int32 and float32, nearest first
    indices, distances = index.query(queries, k=5, ef=200)  # looks harder, finds more
    graph = index.neighbor_graph()  # every row's 15 nearest, itself first
    print(f"{len(index)} rows; the graph is {graph.indices.shape}")

    index.update(fresh=queries)  # they become rows 5000, 5001, 5002
    index.update(updated=queries[:1] + 0.1, updated_indices=[7])
    index.delete([3, 5001])  # the others keep their ids
    print("nearest to the first query:", index.query(queries[:1], k=1).indices[0, 0])

    hits = index.radius_search(queries, radius=0.6)
    print(f"{len(hits.indices)} rows within 0.6; by {index.plan['query']['algorithm']}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.hnsw"
        index.save(path)  # a file as a whole, or none
        again = Index.load(path)
    print("sound:", again.verify()["sound"], "with", again.parameters["m"], "links per row")
