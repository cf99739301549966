"""How true the neighbours are and how well the map keeps them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from harness import metrics, recall, truth

from .data import Dataset

SAMPLE = 2_000
TRUST_SAMPLE = 5_000


class Judge:
    """Exact answers for one data set, computed once and held against each engine's."""

    def __init__(self, data: Dataset, k: int, metric: str, say: Callable[[str], None]) -> None:
        self._data, self._k, self._metric = data, k, metric
        self._known = metrics.is_known(metric)
        if not self._known:
            say(f"No exact answer is computed here for metric {metric!r}: recall is left out.")
            return
        size = min(SAMPLE, len(data.train))
        say(f"Computing the exact neighbours of {size:,} rows to judge by.".replace(",", " "))
        self._graph = truth.graph_truth(data.train, k, metric, SAMPLE)
        self._asked = truth.sample_rows(len(data.test), SAMPLE)
        exact = truth.exact(data.train, data.test[self._asked], k, metric)
        self._queries = truth.Truth(self._asked, *exact, metric)

    def judge(self, arrays: dict[str, np.ndarray]) -> dict:
        """recall and distance error of graph and queries, and trustworthiness of the map."""
        figures: dict = {"trustworthiness": self._trustworthiness(arrays["fitted"])}
        if not self._known:
            return {
                "recall_at_k": None,
                "query_recall_at_k": None,
                "distance_error": None,
                **figures,
            }
        train = self._data.train
        graph = recall.judge_graph(arrays["graph"], train, self._graph)
        asked = self._data.test[self._asked]
        queries = recall.judge(arrays["found"][self._asked], train, asked, self._queries)
        return {
            "recall_at_k": graph.recall,
            "distance_error": graph.distance_error,
            "query_recall_at_k": queries.recall,
            "recall_rows": graph.rows,
            **figures,
        }

    def _trustworthiness(self, embedding: np.ndarray) -> float | None:
        """Within a seeded sample of the fitted rows: both neighbourhoods are the sample's own."""
        from sklearn.manifold import trustworthiness

        rows = truth.sample_rows(len(embedding), TRUST_SAMPLE)
        # scikit-learn's bound: the measure is defined for fewer than half of the rows
        k = min(self._k, (len(rows) - 1) // 2)
        if k < 1 or not self._known:
            return None
        points = np.ascontiguousarray(embedding[rows])
        metric = metrics.canonical(self._metric)
        return float(trustworthiness(self._data.train[rows], points, n_neighbors=k, metric=metric))
