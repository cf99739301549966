"""This project's engine through its TypeScript API, no bridge between."""

from engines.in_node import NodeEngine


class Engine(NodeEngine):
    module = "bridge"
