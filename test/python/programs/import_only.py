"""What importing the package brings along."""

import sys

import hnsw_bridge

assert hnsw_bridge.HnswIndexWrapper is not None
heavy = {"zmq", "pyarrow", "scipy", "sklearn", "numba", "umap", "pynndescent", "tqdm", "pandas"}
print("light" if not heavy & set(sys.modules) else f"heavy: {heavy & set(sys.modules)}")
