"""Queries from a pool of forked workers, several at once."""

import multiprocessing

import numpy as np

import hnsw_bridge

rows = np.random.RandomState(0).standard_normal((300, 5))
index = hnsw_bridge.HnswIndexWrapper(rows, n_neighbors=5)


def find(i: int) -> int:
    return int(index.query(rows[i : i + 1], k=1)[0][0, 0])


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(*pool.map(find, range(10)))
