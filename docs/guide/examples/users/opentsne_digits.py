import openTSNE
from hnsw_bridge.opentsne import KNNIndex
from sklearn.datasets import load_digits

rows = load_digits().data
index = KNNIndex(rows[:1500], k=60, random_state=42, n_jobs=-1)  # three times the perplexity
tsne = openTSNE.TSNE(perplexity=20, neighbors=index, n_iter=100, random_state=42, n_jobs=-1)
embedding = tsne.fit(rows[:1500])
placed = embedding.transform(rows[1500:])

print(embedding.shape, placed.shape)
