"""Starts ``showcase.fit`` in a fresh process and brings its results back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from .data import Dataset
from .errors import DemoError

DEMO = Path(__file__).resolve().parents[1]


def fit_fresh(engine: str, data: Dataset, folder: Path, job: dict) -> tuple[dict, dict]:
    """Figures and arrays of one engine's fit and transform. DemoError when it failed."""
    files = {name: str(folder / f"{name}.npy") for name in ("train", "test")}
    if not Path(files["train"]).exists():
        np.save(files["train"], data.train)
        np.save(files["test"], data.test)
    result, arrays = folder / f"{engine}.json", folder / f"{engine}.npz"
    job_file = folder / f"{engine}-job.json"
    paths = {**files, "result": str(result), "arrays": str(arrays)}
    job_file.write_text(json.dumps({**job, **paths, "engine": engine, "rows": len(data.train)}))
    output = _run(job_file)
    figures = json.loads(result.read_text()) if result.is_file() else {"error": output[-300:]}
    if "error" in figures:
        raise DemoError(f"the fit with {engine} failed: {figures['error']}")
    with np.load(arrays) as stored:
        return figures, {name: stored[name] for name in stored.files}


def _run(job_file: Path) -> str:
    path = os.pathsep.join([str(DEMO), str(DEMO.parent / "bench")])
    done = subprocess.run(
        [sys.executable, "-m", "showcase.fit", str(job_file)],
        cwd=DEMO,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr
