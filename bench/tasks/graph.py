"""Task ``graph``: the neighbour graph of all rows, the row itself included.

One call = build + neighbors, from a numpy array to a numpy array. The first call of a fresh
process and its import are kept apart from the later calls.
"""

import importlib
from dataclasses import asdict

import numpy as np
from harness.load import Stopwatch
from harness.memory import peak_mb


def run(job: dict) -> dict:
    """In the fresh process: every call's timings, memory, and the answers in ``job["answers"]``."""
    rows = np.load(job["rows"])
    data_mb = peak_mb()
    with Stopwatch() as imported:
        engine = importlib.import_module(f"engines.{job['engine']}").Engine(job["threads"])
    answers: dict[str, np.ndarray] = {}
    calls = [_call(engine, rows, job, number, answers) for number in range(job["calls"])]
    np.savez(job["answers"], **answers)
    return {"import": asdict(imported), "data_mb": data_mb, "calls": calls}


def _call(engine, rows, job, number, answers):
    with Stopwatch() as built:
        index = engine.build(rows, job["k"], job["metric"], job["options"])
    settings = []
    for position, setting in enumerate(job["settings"]):
        with Stopwatch() as answered:
            indices = engine.neighbors(index, rows, job["k"], setting)
        answers[answer_name(number, position)] = np.asarray(indices, dtype=np.int32)
        settings.append({"setting": setting, **asdict(answered)})
    detail = engine.describe(index)
    # a helper process may end with its index: its peak is read while it lives
    memory = {
        "process_mb": peak_mb(),
        "helpers_mb": [peak_mb(i) for i in detail.pop("helpers", [])],
    }
    engine.release(index)
    return {"build": asdict(built), "settings": settings, "memory": memory, "detail": detail}


def answer_name(call: int, setting: int) -> str:
    return f"call{call}-setting{setting}"
