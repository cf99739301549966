"""umap-learn as it is: PyNNDescent finds the neighbours."""

from harness.machine import versions


class Engine:
    """For the task ``umap``: makes models, and tells whose index a fitted one holds."""

    PACKAGE = "pynndescent"

    def __init__(self, threads: int) -> None:
        import umap
        import umap.umap_ as module

        self.module = module
        self._make = self._umap(umap)

    def _umap(self, umap):
        return umap.UMAP

    def model(self, options: dict):
        return self._make(**options)

    def check(self, model) -> None:
        """RuntimeError unless this engine's index answered."""
        seen = type(model._knn_search_index).__module__.split(".")[0]
        if seen != self.PACKAGE:
            raise RuntimeError(f"{seen} answered in the place of {self.PACKAGE}")

    def describe(self, model) -> dict:
        return {"versions": versions("umap-learn", "pynndescent", "numba", "numpy"), "helpers": []}
