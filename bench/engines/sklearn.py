"""scikit-learn's brute force: exact, pairwise distances in chunks."""

from harness.machine import versions


class Engine:
    def __init__(self, threads: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        self._make = NearestNeighbors
        self._threads = threads

    def build(self, rows, k, metric, options):
        model = self._make(n_neighbors=k, algorithm="brute", metric=metric, n_jobs=self._threads)
        return model.fit(rows)

    ready = build

    def neighbors(self, index, rows, k, setting):
        return index.kneighbors(rows, return_distance=False)

    def query(self, index, queries, k, setting, threads):
        return index.set_params(n_jobs=threads).kneighbors(queries, k, return_distance=False)

    def describe(self, index) -> dict:
        return {"versions": versions("scikit-learn", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
