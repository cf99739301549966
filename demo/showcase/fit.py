"""One fit and one transform in this fresh process: ``python -m showcase.fit JOB.json``.

Both engines come through here, each in a process of its own, so that each pays for its own imports,
its own compilation and its own first call, and so that its peak memory is its own.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from harness.machine import versions
from harness.memory import peak_mb
from harness.stages import Stages

from .engine_facts import engine_facts

OURS = "hnsw-bridge"


def main(job_file: str) -> int:
    job = json.loads(Path(job_file).read_text())
    try:
        result = run(job)
    except Exception as error:
        traceback.print_exc()
        result = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
    Path(job["result"]).write_text(json.dumps(result))
    return 0


def run(job: dict) -> dict:
    train, test = np.load(job["train"]), np.load(job["test"])
    data_mb = peak_mb()
    start = time.perf_counter()
    umap_class, module = _import(job["engine"])
    imported = time.perf_counter() - start
    model = umap_class(**_options(job))
    fitted = _fit(model, module, train)
    placed = _transform(model, module, test)
    facts = engine_facts(model._knn_search_index)
    np.savez(
        job["arrays"],
        fitted=fitted["embedding"],
        placed=placed["embedding"],
        graph=fitted["indices"],
        found=placed["indices"],
    )
    return {
        "seconds": {"import": imported, **fitted["seconds"], **placed["seconds"]},
        "memory": _memory(data_mb, facts.pop("server_peak_mb")),
        "versions": versions("umap-learn", "pynndescent", "numba", "numpy", "hnsw-bridge"),
        "fallback": fitted["fallback"],
        **facts,
    }


def _import(engine: str):
    if engine == OURS:
        from hnsw_bridge.umap import UMAP
    else:
        from umap import UMAP
    import umap.umap_ as module

    return UMAP, module


def _options(job: dict) -> dict:
    options = {
        "n_neighbors": job["n_neighbors"],
        "metric": job["metric"],
        "random_state": job["seed"],
        # below 4 096 rows umap-learn would compare all pairs by itself and ask no engine
        "force_approximation_algorithm": True,
    }
    # a spectral start needs more rows than it has dimensions to find
    return {**options, "init": "random"} if job["rows"] < 20 else options


def _fit(model, module, train) -> dict:
    with Stages(module) as stages, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        start = time.perf_counter()
        embedding = model.fit_transform(train)
        total = time.perf_counter() - start
    seconds = {"fit": total, **stages.seconds}
    seconds["rest"] = total - sum(stages.seconds.values())
    return {
        "embedding": embedding,
        "indices": stages.results["neighbors"][0],
        "seconds": seconds,
        "fallback": next((str(w.message) for w in said if _is_fallback(w)), None),
    }


def _is_fallback(warning: warnings.WarningMessage) -> bool:
    return warning.category.__name__ == "FallbackWarning"


def _transform(model, module, test) -> dict:
    index = model._knn_search_index
    kind, spent, found = type(index), [], []
    original = kind.query

    def query(self, *args, **kwargs):
        start = time.perf_counter()
        result = original(self, *args, **kwargs)
        spent.append(time.perf_counter() - start)
        found.append(np.array(result[0], dtype=np.int32))
        return result

    kind.query = query
    try:
        start = time.perf_counter()
        embedding = model.transform(test)
        total = time.perf_counter() - start
    finally:
        kind.query = original
    return {
        "embedding": embedding,
        "indices": found[0],
        "seconds": {"transform": total, "transform_query": sum(spent)},
    }


def _memory(data_mb: float | None, server_mb: float | None) -> dict:
    process = peak_mb()
    parts = [process, server_mb] if server_mb is not None else [process]
    total = None if process is None else sum(parts)
    return {
        "rows_alone_mb": data_mb,
        "process_mb": process,
        "server_mb": server_mb,
        "both_mb": total,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
