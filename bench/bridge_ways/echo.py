"""The floor: a raw DEALER to a ROUTER in another Python process, over the same kind of socket.

    python -m bridge_ways.echo ENDPOINT     serves: answers with as many bytes as asked

Requests are `asked bytes, u32, little-endian | payload ...`; a payload is received and dropped.
"""

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import zmq

from bridge_ways import BATCH_BYTES, MANY, SINGLE, answer_bytes
from bridge_ways.timing import best_s, median_s

_BENCH = Path(__file__).parents[1]


def serve(endpoint: str) -> None:
    socket = zmq.Context.instance().socket(zmq.ROUTER)
    socket.bind(endpoint)
    answers: dict[int, bytes] = {}
    while True:
        peer, head, *_ = socket.recv_multipart(copy=False)
        (asked,) = struct.unpack("<I", head.bytes)
        if asked:
            socket.send(peer.bytes, zmq.SNDMORE)
            socket.send(answers.setdefault(asked, bytes(asked)), copy=asked < 65536)


def measure(rows: np.ndarray, graph_bytes: int, calls: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
        endpoint = f"ipc://{folder}/echo.sock"
        command = [sys.executable, "-m", "bridge_ways.echo", endpoint]
        server = subprocess.Popen(command, cwd=_BENCH)
        try:
            return _measured(endpoint, rows, graph_bytes, calls)
        finally:
            server.kill()
            server.wait()


def _measured(endpoint: str, rows: np.ndarray, graph_bytes: int, calls: int) -> dict:
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.connect(endpoint)
    parts = _parts(rows)

    def ask(asked: int, *payload) -> None:
        socket.send(struct.pack("<I", asked), zmq.SNDMORE if payload else 0)
        for i, part in enumerate(payload):
            more = zmq.SNDMORE if i < len(payload) - 1 else 0
            socket.send(part, more, copy=len(part) < 65536)
        if asked:
            socket.recv(copy=False)

    def up() -> None:
        for part in parts:
            ask(0, part)
        ask(1)

    single, many = (np.zeros(shape, np.float32).data.cast("B") for shape in (SINGLE, MANY))
    try:
        return {
            "ping_s": median_s(lambda: ask(1), calls),
            "single_s": median_s(lambda: ask(answer_bytes(1), single), calls),
            "many_s": median_s(lambda: ask(answer_bytes(MANY[0]), many), calls // 10),
            "up_s": best_s(up),
            "down_s": best_s(lambda: ask(graph_bytes)),
        }
    finally:
        socket.close(0)


def _parts(rows: np.ndarray) -> list[memoryview]:
    whole = rows.reshape(-1).data.cast("B")
    return [whole[at : at + BATCH_BYTES] for at in range(0, len(whole), BATCH_BYTES)]


if __name__ == "__main__":
    serve(sys.argv[1])
