from hnsw_bridge import HnswIndexWrapper, RadiusNeighborsTransformer
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs
from sklearn.pipeline import make_pipeline

rows, _ = make_blobs(2000, n_features=8, centers=5, cluster_std=0.5, random_state=0)
index = HnswIndexWrapper(rows)
hits = index.radius_search(rows[:3], 1.5)
indices, distances = hits.row(0)  # nearest first
print(len(indices), "rows within 1.5 of row 0, the farthest at", hits.largest_distance[0])

clusters = make_pipeline(
    RadiusNeighborsTransformer(radius=1.5),
    DBSCAN(eps=1.5, min_samples=10, metric="precomputed"),
).fit_predict(rows)
print(clusters.max() + 1, "clusters")
