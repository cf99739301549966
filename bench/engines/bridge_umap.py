"""umap-learn on this project's engine, by the one import that its users change."""

from harness.machine import versions

from engines import umap_learn


class Engine(umap_learn.Engine):
    PACKAGE = "hnsw_bridge"

    def _umap(self, umap):
        from hnsw_bridge.umap import UMAP

        return UMAP

    def describe(self, model) -> dict:
        import hnsw_bridge

        return {
            "versions": versions("hnsw-bridge", "umap-learn", "numba", "numpy"),
            "helpers": [hnsw_bridge.stats()["server"]["pid"]],
            "plan": model._knn_search_index.plan,
        }
