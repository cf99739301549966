"""scanpy's ingest with the stand-in for pynndescent: nothing of the real one is imported."""

import sys
import warnings

warnings.simplefilter("ignore")

import hnsw_bridge  # noqa: E402

hnsw_bridge.install(everywhere=True, stub_pynndescent=True)
import scanpy as sc  # noqa: E402

cells = sc.datasets.blobs(n_variables=20, n_observations=600, random_state=0)
known, new = cells[:500].copy(), cells[500:].copy()
sc.pp.neighbors(known, use_rep="X", transformer="pynndescent")
sc.tl.umap(known, maxiter=20)
sc.tl.ingest(new, known, obs="blobs", embedding_method="umap")
print((new.obs["blobs"] == cells.obs["blobs"][500:]).all(), new.obsm["X_umap"].shape)
print("pynndescent.graph_utils" in sys.modules)
