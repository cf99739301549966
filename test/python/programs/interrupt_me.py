"""Be interrupted in a long call, and tell as JSON how both sides were before it and are after it.

    interrupt_me.py prepare|neighbor_graph|query|update

Prints "computing" once the server works on the call, and then one object: `before` and `after` are
what index and server show, `at` is when KeyboardInterrupt came, on the clock that processes share.
"""

import hashlib
import json
import sys
import threading
import time

import numpy as np

import hnsw_bridge

what = sys.argv[1]
many = np.random.RandomState(0).standard_normal((40_000, 128)).astype(np.float32)
few = many[:6_000]


def calls_in_flight() -> int:
    return int(hnsw_bridge.stats()["server"]["calls_in_flight"])


def tell_when_computing() -> None:
    while hnsw_bridge.stats()["server"]["calls"][what] == before_it:
        time.sleep(0.02)
    print("computing", flush=True)


def digest(arrays) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def shown() -> dict[str, object]:
    """What can be asked for without making what is not there yet."""
    at_server = index.stats()
    ready = {name: at_server[name] for name in ("rows", "graph_ready", "search_ready")}
    if not at_server["search_ready"] or not at_server["graph_ready"]:
        return ready
    return {
        **ready,
        "rows here": index._raw_data.shape[0],
        "graph here": digest(index.neighbor_graph),
        "graph there": digest(index._remote().neighbor_graph(None)),
        "query": digest(index.query(many[:200] + 0.01)),
    }


with hnsw_bridge.options(algorithm="hnsw", m=64, ef_construction=800):
    # Updates by the rows themselves take long enough, those by sketches are over at once.
    index = hnsw_bridge.HnswIndexWrapper(
        few if what == "update" else many,
        metric="manhattan" if what == "update" else "euclidean",
        n_neighbors=15,
        random_state=1,
    )
long_calls = {
    "prepare": index.prepare,
    "neighbor_graph": lambda: index.neighbor_graph,
    "query": lambda: index.query(many, k=200, epsilon=3),
    "update": lambda: index.update(many[6_000:8_900], many[:9] + 1, range(9)),
}
if what == "update":
    index.prepare()
    index.neighbor_graph  # noqa: B018 - reading it computes it
before = shown()
pid = hnsw_bridge.stats()["server"]["pid"]
before_it = hnsw_bridge.stats()["server"]["calls"][what]
at = None
thread = threading.Thread(target=tell_when_computing)
try:
    thread.start()
    long_calls[what]()
except KeyboardInterrupt:
    at = time.monotonic()
in_flight = calls_in_flight()
server = hnsw_bridge.stats()["server"]
thread.join()
found = {
    "at": at,
    "in flight": in_flight,
    "same server": server["pid"] == pid,
    "errors": server["errors"],
    "before": before,
    "after": shown(),
    "calls": hnsw_bridge.stats()["server"]["calls"],
}
if what == "update":
    index.update(many[6_000:6_100])
    found["rows then"] = [index.stats()["rows"], index._raw_data.shape[0]]
print(json.dumps(found))
