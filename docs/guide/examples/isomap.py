from hnsw_bridge import KNeighborsTransformer
from sklearn.datasets import load_digits
from sklearn.manifold import Isomap
from sklearn.pipeline import make_pipeline

rows = load_digits().data
pipeline = make_pipeline(
    KNeighborsTransformer(n_neighbors=10),
    Isomap(n_neighbors=10, metric="precomputed"),
)
embedding = pipeline.fit_transform(rows[:1000])
placed = pipeline.transform(rows[1000:1100])

print(embedding.shape, placed.shape)
