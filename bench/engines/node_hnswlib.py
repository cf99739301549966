"""hnswlib-node: an HNSW built by insertion. One row a call, one thread."""

from engines.in_node import NodeEngine


class Engine(NodeEngine):
    module = "hnswlib"
