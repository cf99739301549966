"""`UMAP` on this engine by one explicit import; everything else is umap-learn's own.

from hnsw_bridge.umap import UMAP
"""

from __future__ import annotations

from typing import Any

import umap

from ._install import using


class UMAP(umap.UMAP):  # type: ignore[misc]
    """``umap.UMAP`` whose neighbour searches this engine answers, whatever `install` says.

    Parameters, attributes and methods are those of ``umap.UMAP``. Where the engine cannot answer
    (see `HnswIndexWrapper`), PyNNDescent does, with a `FallbackWarning`. umap-learn searches
    without any index below 4096 rows unless ``force_approximation_algorithm=True``.
    """

    def fit(self, X: Any, *args: Any, **kwargs: Any) -> UMAP:  # noqa: N803 - scikit-learn's name
        """As ``umap.UMAP.fit``."""
        with using("on"):
            super().fit(X, *args, **kwargs)
        return self

    def update(self, X: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N803
        """As ``umap.UMAP.update``."""
        with using("on"):
            super().update(X, *args, **kwargs)
