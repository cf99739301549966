from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from hnsw_bridge import HnswIndexWrapper

rows = np.random.default_rng(42).normal(size=(3000, 16))
parts = np.array_split(rows, 8)

if __name__ == "__main__":
    index = HnswIndexWrapper(rows, n_neighbors=15, random_state=42)

    with ThreadPoolExecutor(4) as pool:  # threads share the index as it is
        found = list(pool.map(lambda part: index.query(part, k=5)[0], parts))

    # Processes get a copy with the built index inside, and search with a server of their own.
    tasks = (joblib.delayed(index.query)(part, k=5) for part in parts)
    copies = joblib.Parallel(n_jobs=2)(tasks)

    equal = all((a == b).all() for a, (b, _) in zip(found, copies, strict=True))
    print("same neighbours everywhere:", equal)
