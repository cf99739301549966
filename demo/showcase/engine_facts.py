"""What the search index that UMAP holds can tell about itself and about its server."""

from __future__ import annotations

import os
from typing import Any

from harness.memory import peak_mb


def engine_facts(index: Any) -> dict:
    """Engine, plan, calls counted at the server, the server's peak memory (None: no server)."""
    if type(index).__module__.split(".")[0] != "hnsw_bridge":
        return {"engine": "pynndescent", "plan": None, "calls": {}, "server_peak_mb": None}
    import hnsw_bridge

    server, own = hnsw_bridge.stats()["server"], index.stats()
    return {
        "engine": "hnsw-bridge",
        "plan": own.get("plan"),
        "index": {key: value for key, value in own.items() if key != "plan"},
        "calls": server["calls"],
        "server_peak_mb": None if _is_elsewhere() else peak_mb(server["pid"]),
    }


def _is_elsewhere() -> bool:
    """Whether the server may run on another machine, where its process id means nothing here."""
    return os.environ.get("HNSW_BRIDGE_ENDPOINT", "").startswith("tcp:")
