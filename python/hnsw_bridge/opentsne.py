"""`KNNIndex` for openTSNE's ``neighbors=``: its neighbours from this engine.

    index = KNNIndex(rows, k=90, random_state=42)           # k: three times the perplexity
    embedding = TSNE(perplexity=30, neighbors=index).fit(rows)

openTSNE wants neighbours without the row itself. Needs openTSNE 1.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import openTSNE.nearest_neighbors

from ._errors import InvalidArgument
from .index import HnswIndexWrapper


class KNNIndex(openTSNE.nearest_neighbors.KNNIndex):  # type: ignore[misc]
    """Nearest neighbours for openTSNE's affinities.

    Parameters
    ----------
    data : array-like of shape (n, d)
    k : int
        Neighbours of each row; openTSNE uses three times its perplexity.
    metric : str or numba function
        A name or alias of the engine's table.
    metric_params : dict, optional
        The metric's own parameters, by name.
    n_jobs : int
        Threads; -1 means all cores. The default 1 is openTSNE's.
    random_state : int, RandomState or None
    verbose : bool
    knn_kwargs : dict, optional
        Further parameters of `HnswIndexWrapper`.

    Attributes
    ----------
    index : HnswIndexWrapper, once built
    """

    index: Any

    def build(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The `k` nearest other rows of every row.

        Returns
        -------
        (indices, distances)
            int32 and float32, both (n, k), ascending by distance.

        Raises
        ------
        ValueError
            Where there are fewer than `k` other rows, for an unknown metric, and for NaN.
        """
        if self.k >= self.n_samples:
            raise InvalidArgument(
                f"k must be less than the number of rows, {self.n_samples}, got {self.k}"
            )
        self.index = HnswIndexWrapper(
            self.data,
            metric=self.metric,
            metric_kwds=self.metric_params,
            n_neighbors=self.k + 1,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose > 1,
            **(self.knn_kwargs or {}),
        )
        indices, distances = self.index.neighbor_graph
        return np.ascontiguousarray(indices[:, 1:]), np.ascontiguousarray(distances[:, 1:])

    def query(self, query: Any, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The `k` nearest rows of each query.

        Returns
        -------
        (indices, distances)
            int32 and float32, both (q, k), ascending by distance.
        """
        indices, distances = self.index.query(query, k=k)
        return indices, distances

    def check_metric(self, metric: Any) -> Any:
        """Nothing here: the index knows its metrics, and says so when it is built."""
        return metric
