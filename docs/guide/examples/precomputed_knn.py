import hnsw_bridge
import umap
from hnsw_bridge import HnswIndexWrapper
from sklearn.datasets import load_iris

rows = load_iris().data
index = HnswIndexWrapper(rows[:120], n_neighbors=15, random_state=42)
knn = (*index.neighbor_graph, index)  # searched once, laid out as often as you like

with hnsw_bridge.install():  # so that umap knows the class of the index
    for min_dist in (0.0, 0.5):
        model = umap.UMAP(n_neighbors=15, min_dist=min_dist, precomputed_knn=knn, n_epochs=20)
        print(model.fit_transform(rows[:120]).shape, model.transform(rows[120:]).shape)
