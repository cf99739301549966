"""usearch's Node package: an HNSW built by insertion; its calls block the event loop."""

from engines.in_node import NodeEngine


class Engine(NodeEngine):
    module = "usearch"
