"""What every task does in the fresh process: rows, engine, memory."""

import importlib
from dataclasses import asdict

import numpy as np

from .load import Stopwatch
from .memory import peak_mb


def start(job: dict, files: tuple[str, ...] = ("rows",)) -> tuple:
    """The engine, the arrays of the job's files, and a dict with ``import`` and ``data_mb``.

    Rows are in memory before any clock runs; an engine that lives in another process takes them
    there (``take``) after its import.
    """
    arrays = [np.load(job[name]) for name in files]
    data_mb = peak_mb()
    with Stopwatch() as imported:
        engine = importlib.import_module(f"engines.{job['engine']}").Engine(job["threads"])
    if hasattr(engine, "take"):
        engine.take({name: job[name] for name in files})
    return engine, *arrays, {"import": asdict(imported), "data_mb": data_mb}


def memory(detail: dict) -> dict:
    """Peaks of this process and of the engine's others, named by ``helpers`` in its description.

    A helper process may end with its index: its peak is read while it lives. ``helpers_data_mb``
    is what such a process held with its own copy of the rows alone.
    """
    return {
        "process_mb": peak_mb(),
        "helpers_mb": [peak_mb(pid) for pid in detail.pop("helpers", [])],
        "helpers_data_mb": detail.pop("helpers_data_mb", 0.0),
    }
