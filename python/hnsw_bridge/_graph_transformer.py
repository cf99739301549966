"""What the neighbour graph transformers share: fitting, checking, and the matrix.

    row i of fit_transform(X):  [i, 0.0] [neighbour, distance] ...   ascending by distance
    row i of transform(Y):      the nearest among the fitted rows    n_neighbors + 1 entries as well

Every row has the same number of entries and zeros are stored, which is what scanpy and
scikit-learn's ``metric="precomputed"`` count on. It is a csr_matrix as scikit-learn's, because
scanpy calls methods that a csr_array does not have. What may not enter: how neighbours are found.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ._forms import Stored, wide
from ._parameters import as_count
from .index import HnswIndexWrapper


class QuietIndex(HnswIndexWrapper):
    """Says nothing of too few rows: the transformer says it, in terms of its own parameters."""

    def _warn_if_short(self) -> None:
        pass


class SparseTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer as scikit-learn knows it: takes sparse rows too, gives float32."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class GraphTransformer(SparseTransformer):
    """Fitting, checking and the matrix; a subclass says how its parameters make an index."""

    n_neighbors: int
    search_epsilon: float
    index_: Any
    n_samples_fit_: int

    def _make_index(self, rows: Any, n_neighbors: int) -> Any:
        raise NotImplementedError

    def _fit(self, rows: Any) -> None:
        n_neighbors = as_count(self.n_neighbors, "n_neighbors", 1)
        rows = validate_data(self, rows, accept_sparse="csr", dtype="numeric")
        n = rows.shape[0]
        if n <= n_neighbors:
            warnings.warn(
                f"n_neighbors is {n_neighbors}, but there are {n} rows: each row of the graph has "
                f"{n} entries instead of {n_neighbors + 1}",
                stacklevel=3,
            )
        self.index_ = self._make_index(rows, n_neighbors + 1)
        self.n_samples_fit_ = self._n_features_out = n

    def transform(self, X: Any) -> csr_matrix:  # noqa: N803 - scikit-learn's name
        """The weighted graph of the nearest fitted rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), or None
            None, and the very rows that were fitted, give the fitted rows' own graph, as
            `fit_transform` does.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_queries, n_samples_fit), float32
            ``min(n_neighbors + 1, n_samples_fit)`` entries in every row, ascending by distance;
            the columns of a row are therefore not sorted.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For queries of another width, NaN or infinity.
        """
        check_is_fitted(self, "index_")
        if X is None:
            return self._graph()
        rows = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)
        if _same_rows(rows, self.index_._stored()):
            return self._graph()
        count = min(int(self.n_neighbors) + 1, self.n_samples_fit_)
        return self._matrix(*self.index_.query(rows, k=count, epsilon=self.search_epsilon))

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> csr_matrix:  # noqa: N803
        """`fit`, then the graph of the fitted rows: each row itself first, at distance 0.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_samples, n_samples), float32
            As from `transform`.
        """
        self.fit(X, y, **fit_params)
        return self._graph()

    def _graph(self) -> csr_matrix:
        return self._matrix(*self.index_.neighbor_graph)

    def _matrix(
        self, indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]
    ) -> csr_matrix:
        return _as_csr(indices, distances, self.n_samples_fit_)

    @property
    def n_samples_fit(self) -> int:
        """The number of fitted rows, by PyNNDescent's name."""
        return int(self.n_samples_fit_)


def _same_rows(rows: Any, stored: Stored) -> bool:
    """Whether `rows`, once float32, are the rows an index holds."""
    if rows.shape != stored.shape or issparse(rows) != issparse(stored):
        return False
    fitted = wide(stored)
    rows = rows.astype(fitted.dtype)
    return bool((rows != fitted).nnz == 0 if issparse(rows) else np.array_equal(rows, fitted))


def _as_csr(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32], n_columns: int
) -> csr_matrix:
    """The matrix of neighbours found; -1, which stands for none, gets no entry."""
    found = indices >= 0
    ends = np.concatenate(([0], np.cumsum(found.sum(axis=1))))
    if indices.size < np.iinfo(np.int32).max:  # Else SciPy widens the columns to int64 as well.
        ends = ends.astype(np.int32)
    shape = (len(indices), n_columns)
    return csr_matrix((distances[found], indices[found], ends), shape=shape, dtype=np.float32)
