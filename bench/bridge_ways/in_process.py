"""The engine in the caller's own process, called from TypeScript: no bridge can be faster."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

_PROGRAM = Path(__file__).with_suffix(".mjs")


def measure(rows: np.ndarray, queries: np.ndarray, calls: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
        files = {"rows": rows, "queries": queries}
        for name, array in files.items():
            array.astype("<f4").tofile(Path(folder, f"{name}.f32"))
        job = {"folder": folder, "dim": rows.shape[1], "calls": calls}
        done = subprocess.run(
            ["node", str(_PROGRAM), json.dumps(job)], check=True, capture_output=True, text=True
        )
    return json.loads(done.stdout)
