import sys

import hnsw_bridge

hnsw_bridge.install(stub_pynndescent=True)  # before anything imports umap or pynndescent
import umap

index = umap.umap_.NNDescent([[0.0], [1.0], [3.0]], n_neighbors=2)
print(index.neighbor_graph[0].tolist())
print("pynndescent itself was imported:", "pynndescent.graph_utils" in sys.modules)
