"""Other ways for the same bytes: what the bridge is compared with.

``ours``        calls and transfers over the bridge, without the wrapper's own work
``echo``        a raw ZeroMQ socket pair in two Python processes: the floor
``flight``      Arrow Flight (gRPC) in two Python processes
``in_process``  the engine called from TypeScript in its own process: no way at all

Each sends the same: a small message, one query of 1 x 128 and its answer, 1 000 queries and their
answers, all rows up, a neighbour graph down. Neither echo nor Flight computes anything.
"""

SINGLE = (1, 128)
MANY = (1000, 128)
K = 10
BATCH_BYTES = 1 << 20


def answer_bytes(rows: int, k: int = K) -> int:
    """What indices and distances of an answer weigh."""
    return rows * k * 8
