"""annoy: a forest of random trees. It takes and answers one row at a time."""

import numpy as np
from harness.machine import versions

from engines.common import in_threads, named

METRICS = {"euclidean": "euclidean", "cosine": "angular"}


class Engine:
    def __init__(self, threads: int) -> None:
        from annoy import AnnoyIndex

        self._make = AnnoyIndex
        self._threads = threads

    def build(self, rows, k, metric, options):
        index = self._make(rows.shape[1], named(metric, METRICS, "annoy"))
        index.set_seed(42)
        for number, row in enumerate(rows):
            index.add_item(number, row)
        index.build(options["trees"], n_jobs=self._threads)
        return index

    ready = build

    def neighbors(self, index, rows, k, setting):
        return self.query(index, rows, k, setting, self._threads)

    def query(self, index, queries, k, setting, threads):
        effort = setting["search_k"]

        def ask(part):
            answers = np.full((len(part), k), -1, dtype=np.int32)
            for answer, query in zip(answers, part, strict=True):
                found = index.get_nns_by_vector(query, k, effort)
                answer[: len(found)] = found
            return answers

        return in_threads(ask, queries, threads)

    def describe(self, index) -> dict:
        return {"versions": versions("annoy", "numpy")}

    def release(self, index) -> None:
        index.unload()
