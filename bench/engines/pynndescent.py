"""PyNNDescent, called as umap-learn 0.5.12 calls it."""

import numpy as np
from harness.machine import versions


def umap_arguments(count: int) -> dict:
    """What umap-learn hands over besides rows, metric and n_neighbors."""
    return {
        "n_trees": min(64, 5 + round(count**0.5 / 20.0)),
        "n_iters": max(5, round(np.log2(count))),
        "max_candidates": 60,
        "low_memory": True,
        "compressed": False,
        "verbose": False,
    }


class Engine:
    def __init__(self, threads: int) -> None:
        from pynndescent import NNDescent

        self._make = NNDescent
        self._threads = threads

    def build(self, rows, k, metric, options):
        return self._make(
            rows,
            n_neighbors=k,
            metric=metric,
            random_state=np.random.RandomState(42),
            n_jobs=self._threads,
            **{**umap_arguments(len(rows)), **options},
        )

    def neighbors(self, index, rows, k, setting):
        return index.neighbor_graph[0]

    def ready(self, rows, k, metric, options):
        given = {**options}
        index = self.build(rows, given.pop("n_neighbors"), metric, given)
        index.prepare()
        return index

    def query(self, index, queries, k, setting, threads):
        self._set_threads(index, threads)
        return index.query(queries, k=k, epsilon=setting["epsilon"])[0]

    def _set_threads(self, index, threads: int) -> None:
        """One thread is its default for queries; several need another search function."""
        import numba

        numba.set_num_threads(threads)
        if index.parallel_batch_queries != (threads > 1):
            index.parallel_batch_queries = threads > 1
            index._init_search_function()

    def describe(self, index) -> dict:
        return {"versions": versions("pynndescent", "numba", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
