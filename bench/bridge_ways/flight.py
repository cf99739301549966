"""Arrow Flight, the usual way for tables between processes: pyarrow's server in another process.

    python -m bridge_ways.flight LOCATION     serves

A query is an action with a body, rows go up by `do_put`, a graph comes down by `do_get`.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import flight

from bridge_ways import BATCH_BYTES, MANY, SINGLE, K, answer_bytes
from bridge_ways.timing import best_s, median_s

_BENCH = Path(__file__).parents[1]
_START_S = 10


class _Server(flight.FlightServerBase):
    def do_action(self, context, action):
        asked, _, _ = action.type.partition(" ")
        yield flight.Result(pa.py_buffer(bytes(int(asked))))

    def do_put(self, context, descriptor, reader, writer):
        for _ in reader:
            pass
        writer.write(pa.py_buffer(b"done"))

    def do_get(self, context, ticket):
        count = int(ticket.ticket) // (8 * K)
        indices = np.zeros(count * K, np.int32)
        table = pa.table([_column(indices, K), _column(indices.view(np.float32), K)], ["i", "d"])
        return flight.RecordBatchStream(table)


def _column(numbers: np.ndarray, width: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers), width)


def measure(rows: np.ndarray, graph_bytes: int, calls: int) -> dict:
    server = subprocess.Popen(
        [sys.executable, "-m", "bridge_ways.flight", "grpc://127.0.0.1:0"],
        cwd=_BENCH,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with flight.connect(f"grpc://127.0.0.1:{port}") as client:
            client.wait_for_available(_START_S)
            return _measured(client, rows, graph_bytes, calls)
    finally:
        server.kill()
        server.wait()


def _measured(client, rows: np.ndarray, graph_bytes: int, calls: int) -> dict:
    column = _column(rows.reshape(-1), rows.shape[1])
    table = pa.table([column], ["rows"])
    step = max(1, BATCH_BYTES // (4 * rows.shape[1]))
    single, many = (np.zeros(shape, np.float32).tobytes() for shape in (SINGLE, MANY))

    def ask(asked: int, body: bytes) -> None:
        [answer] = client.do_action(flight.Action(f"{asked} query", body))
        assert len(answer.body) == asked

    def up() -> None:
        writer, reader = client.do_put(flight.FlightDescriptor.for_path("rows"), table.schema)
        for batch in table.to_batches(step):
            writer.write_batch(batch)
        writer.done_writing()
        assert reader.read() is not None
        writer.close()

    def down() -> None:
        client.do_get(flight.Ticket(str(graph_bytes).encode())).read_all()

    return {
        "ping_s": median_s(lambda: ask(1, b""), calls),
        "single_s": median_s(lambda: ask(answer_bytes(1), single), calls),
        "many_s": median_s(lambda: ask(answer_bytes(MANY[0]), many), calls // 10),
        "up_s": best_s(up),
        "down_s": best_s(down),
    }


if __name__ == "__main__":
    serving = _Server(sys.argv[1])
    print(serving.port, flush=True)
    while True:
        time.sleep(3600)
