"""hnswlib: an HNSW built by insertion; its neighbour graph is a query of every row."""

from harness.machine import versions

from engines.common import named

SPACES = {"euclidean": "l2", "cosine": "cosine"}


class Engine:
    def __init__(self, threads: int) -> None:
        import hnswlib

        self._library = hnswlib
        self._threads = threads

    def build(self, rows, k, metric, options):
        index = self._library.Index(space=named(metric, SPACES, "hnswlib"), dim=rows.shape[1])
        index.init_index(
            max_elements=len(rows), random_seed=42, allow_replace_deleted=True, **options
        )
        index.set_num_threads(self._threads)
        index.add_items(rows)
        return index

    ready = build

    def delete(self, index, ids) -> None:
        for label in ids.tolist():
            index.mark_deleted(label)

    def add(self, index, ids, fresh) -> None:
        """In the places of rows that were marked as deleted."""
        index.set_num_threads(self._threads)
        index.add_items(fresh, ids, replace_deleted=True)

    def replace(self, index, ids, others) -> None:
        index.set_num_threads(self._threads)
        index.add_items(others, ids)

    def save(self, index, path) -> None:
        index.save_index(path)

    def load(self, path, shape, metric):
        index = self._library.Index(space=named(metric, SPACES, "hnswlib"), dim=shape[1])
        index.load_index(path)
        return index

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        index.set_num_threads(threads)
        index.set_ef(max(k, setting["ef"]))
        return index.knn_query(queries, k=k)[0]

    def describe(self, index) -> dict:
        return {"versions": versions("hnswlib", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
