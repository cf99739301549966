import hnsw_bridge
import scanpy as sc

cells = sc.datasets.blobs(n_variables=20, n_observations=1200, random_state=0)
known, new = cells[:1000].copy(), cells[1000:].copy()

with hnsw_bridge.install(everywhere=True):
    sc.pp.neighbors(known, use_rep="X")
    sc.tl.umap(known)
    sc.tl.ingest(new, known, obs="blobs", embedding_method="umap")

print((new.obs["blobs"] == cells.obs["blobs"][1000:]).mean(), new.obsm["X_umap"].shape)
