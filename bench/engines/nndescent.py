"""nndescent: NN-descent in C++, called as PyNNDescent is."""

from harness.machine import versions


class Engine:
    def __init__(self, threads: int) -> None:
        import nndescent

        self._library = nndescent
        self._threads = threads

    def build(self, rows, k, metric, options):
        return self._library.NNDescent(
            rows, metric=metric, n_neighbors=k, seed=42, n_threads=self._threads, **options
        )

    def neighbors(self, index, rows, k, setting):
        return index.neighbor_graph[0]

    def ready(self, rows, k, metric, options):
        index = self.build(rows, options["n_neighbors"], metric, {})
        # the search graph is made by the first query
        index.query(rows[:1], 1)
        return index

    def query(self, index, queries, k, setting, threads):
        index.n_threads = threads
        return index.query(queries, k, setting["epsilon"])[0]

    def describe(self, index) -> dict:
        return {"versions": versions("nndescent", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
