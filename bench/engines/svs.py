"""SVS (package scalable-vs): a Vamana graph over float32 rows, or its LVQ codes (``codes``)."""

import tempfile
from pathlib import Path

from harness.machine import versions

from engines.common import named, unit_rows

# Cosines are the inner products of rows of length 1; pruning takes a factor below 1 there.
METRICS = {"euclidean": "L2", "cosine": "MIP"}
# Bits of each value, and of what they leave over.
CODES = {"LVQ8": {"primary": 8}, "LVQ4x8": {"primary": 4, "residual": 8}}
ALPHA = {"euclidean": 1.2, "cosine": 0.95}


class Engine:
    def __init__(self, threads: int) -> None:
        import svs

        self._library = svs
        self._threads = threads

    def build(self, rows, k, metric, options):
        distance = getattr(self._library.DistanceType, named(metric, METRICS, "SVS"))
        self._cosine = metric == "cosine"
        parameters = self._library.VamanaBuildParameters(
            alpha=ALPHA[metric], graph_max_degree=options["R"], window_size=options["L"]
        )
        rows = self._taken(rows)
        codes = options.get("codes")
        if codes is None:
            return self._library.Vamana.build(parameters, rows, distance, self._threads)
        with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
            # codes are made from a file only
            file = str(Path(folder, "rows.fvecs"))
            self._library.write_vecs(rows, file)
            data = self._library.VectorDataLoader(file, self._library.DataType.float32)
            loader = self._library.LVQLoader(data, **CODES[codes])
            return self._library.Vamana.build(parameters, loader, distance, self._threads)

    ready = build

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        if index.num_threads != threads:
            index.num_threads = threads
        index.search_window_size = max(k, setting["ef"])
        return index.search(self._taken(queries), k)[0]

    def _taken(self, rows):
        return unit_rows(rows) if self._cosine else rows

    def describe(self, index) -> dict:
        return {"versions": versions("scalable-vs", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
