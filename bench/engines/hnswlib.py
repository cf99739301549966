"""hnswlib: an HNSW built by insertion, then asked for every row."""

from harness.machine import versions

SPACES = {"euclidean": "l2", "cosine": "cosine"}


class Engine:
    def __init__(self, threads: int) -> None:
        import hnswlib

        self._library = hnswlib
        self._threads = threads

    def build(self, rows, k, metric, options):
        if metric not in SPACES:
            raise ValueError(f"hnswlib has no metric {metric!r}; it has {', '.join(SPACES)}")
        index = self._library.Index(space=SPACES[metric], dim=rows.shape[1])
        index.init_index(max_elements=len(rows), random_seed=42, **options)
        index.set_num_threads(self._threads)
        index.add_items(rows)
        return index

    def neighbors(self, index, rows, k, setting):
        index.set_ef(max(k, setting["ef"]))
        return index.knn_query(rows, k=k)[0]

    def describe(self, index) -> dict:
        return {"versions": versions("hnswlib", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
