"""glass: an HNSW whose search runs on float32 rows or on codes, refined in float32.

What is ready includes its own tuning of prefetches (``optimize``), as its users are told to do.
"""

from harness.machine import versions

from engines.common import named, unit_rows

METRICS = {"euclidean": "L2", "cosine": "IP"}


class Engine:
    def __init__(self, threads: int) -> None:
        import glass

        self._library = glass
        self._threads = threads
        glass.set_num_threads(threads)

    def build(self, rows, k, metric, options):
        kind = named(metric, METRICS, "glass")
        self._cosine = metric == "cosine"
        rows = self._taken(rows)
        index = self._library.Index("HNSW", kind, quant="FP32", R=options["R"], L=options["L"])
        graph = index.build(rows)
        refine = options.get("refine", "")
        searcher = self._library.Searcher(graph, rows, kind, options["search"], refine)
        searcher.set_ef(options["L"])
        searcher.optimize(self._threads)
        return searcher

    ready = build

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        index.set_ef(max(k, setting["ef"]))
        return index.batch_search(self._taken(queries), k, threads)[0]

    def _taken(self, rows):
        return unit_rows(rows) if self._cosine else rows

    def describe(self, index) -> dict:
        return {"versions": versions("glass", "numpy")}

    def release(self, index) -> None:
        """Its memory goes with the last reference."""
