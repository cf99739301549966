"""Calls over the bridge as the package's connection makes them, and single queries as a user does.

The connection is below the wrapper: what it is asked for is what the other ways are asked for.
"""

import numpy as np
from hnsw_bridge import HnswIndexWrapper
from hnsw_bridge._client import session
from hnsw_bridge._connection import Connection
from hnsw_bridge._transfer import HitsDownload, part
from hnsw_bridge._transport import ZmqTransport

from bridge_ways import K
from bridge_ways.timing import best_s, median_s


def measure(rows, small: np.ndarray, queries: np.ndarray, calls: int) -> dict:
    """``rows`` go up, their graph comes down; queries are asked of ``small`` (n, 128)."""
    endpoint = session().endpoint
    connection = Connection(ZmqTransport(endpoint))
    connection.hello("bench/0", None, None, 5.0)
    index = HnswIndexWrapper(small, n_neighbors=K)
    index.prepare()
    asked = iter(range(10**9))

    def hello() -> None:
        stranger = Connection(ZmqTransport(endpoint))
        stranger.hello("bench/0", None, None, 5.0)
        stranger.close()

    def single() -> None:
        row = next(asked) % len(queries)
        index.query(queries[row : row + 1], k=K)

    try:
        figures = {
            "hello_s": median_s(hello, max(10, calls // 10)),
            "ping_s": median_s(lambda: connection.call("ping", {}), calls),
            "single_s": median_s(single, calls),
            "many_s": median_s(lambda: index.query(queries, k=K), max(3, calls // 10)),
            "up_s": best_s(lambda: _up(connection, rows)),
            "down_s": _down_s(connection, rows),
        }
        return {**figures, "single_engine_s": _engine_s(index, single)}
    finally:
        index.close()
        connection.close()


def _up(connection: Connection, rows: np.ndarray) -> None:
    index = _build(connection, rows)
    connection.call("close", {"index": index})


def _build(connection: Connection, rows: np.ndarray) -> str:
    sent = part(rows)
    header = {**sent.promise(), "options": {"n_neighbors": 15}}
    return connection.call("build", header, [sent])["index"]


def _down_s(connection: Connection, rows: np.ndarray) -> float:
    """A graph that is there already: the second and later replies of one index."""
    index = _build(connection, rows)

    def down() -> None:
        connection.fetch("neighbor_graph", {"index": index}, HitsDownload())

    down()
    try:
        return best_s(down)
    finally:
        connection.call("close", {"index": index})


def _engine_s(index: HnswIndexWrapper, single) -> float:
    """What the engine says that single queries take."""
    seconds = []
    for _ in range(50):
        single()
        seconds.append(index.plan["query"]["seconds"])
    return float(np.median(seconds))
