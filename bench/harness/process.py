"""A job in a process of its own, with the Python that has the engine."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .paths import BENCH

TIME_LIMIT_S = 3600


def run_job(python: Path, job: dict, judge) -> dict:
    """Runs the job; ``judge(result, answers_file)`` adds to a good result what the answers show.

    Returns the result, or ``{"error": text}``.
    """
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
        result_file, answers = Path(folder, "result.json"), Path(folder, "answers.npz")
        job_file = Path(folder, "job.json")
        job_file.write_text(
            json.dumps({**job, "result": str(result_file), "answers": str(answers)})
        )
        output = _run([str(python), "-m", "harness.worker", str(job_file)])
        if not result_file.is_file():
            return {"error": f"the process ended without a result: {output[-400:].strip()}"}
        result = json.loads(result_file.read_text())
        if "error" not in result:
            judge(result, answers)
        return result


def _run(command: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(BENCH)}
    try:
        done = subprocess.run(
            command,
            cwd=BENCH,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {TIME_LIMIT_S} s"
    if done.returncode:
        sys.stderr.write(done.stdout)
    return done.stdout
