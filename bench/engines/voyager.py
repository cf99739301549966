"""voyager: an HNSW built by insertion, float32 storage."""

from harness.machine import versions

from engines.common import named

SPACES = {"euclidean": "Euclidean", "cosine": "Cosine"}


class Engine:
    def __init__(self, threads: int) -> None:
        import voyager

        self._library = voyager
        self._threads = threads

    def build(self, rows, k, metric, options):
        space = getattr(self._library.Space, named(metric, SPACES, "voyager"))
        index = self._library.Index(
            space,
            num_dimensions=rows.shape[1],
            max_elements=len(rows),
            random_seed=42,
            storage_data_type=self._library.StorageDataType.Float32,
            **options,
        )
        index.add_items(rows, num_threads=self._threads)
        return index

    ready = build

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        return index.query(queries, k, num_threads=threads, query_ef=max(k, setting["ef"]))[0]

    def describe(self, index) -> dict:
        return {"versions": versions("voyager", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
