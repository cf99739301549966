from hnsw_bridge.umap import UMAP
from sklearn.datasets import load_digits

rows = load_digits().data
model = UMAP(force_approximation_algorithm=True)  # below 4096 rows UMAP would ask no engine
embedding = model.fit_transform(rows[:1500])
placed = model.transform(rows[1500:])

print(embedding.shape, placed.shape)
