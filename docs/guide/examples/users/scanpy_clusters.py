import scanpy as sc
from hnsw_bridge import PyNNDescentTransformer

cells = sc.datasets.blobs(n_variables=20, n_observations=2000, random_state=0)
sc.pp.pca(cells, n_comps=10)
sc.pp.neighbors(cells, transformer=PyNNDescentTransformer(n_neighbors=15, random_state=0))
sc.tl.leiden(cells, flavor="igraph", n_iterations=2, directed=False)

print(cells.obs["leiden"].nunique(), "clusters")
