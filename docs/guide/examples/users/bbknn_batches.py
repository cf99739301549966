import bbknn
import hnsw_bridge
import numpy as np
import scanpy as sc

cells = sc.datasets.blobs(n_variables=20, n_observations=900, random_state=0)
sc.pp.pca(cells, n_comps=10)
cells.obs["batch"] = np.arange(900) % 3

with hnsw_bridge.install(everywhere=True):
    bbknn.bbknn(cells, batch_key="batch", computation="pynndescent")

print(cells.obsp["connectivities"].shape)
