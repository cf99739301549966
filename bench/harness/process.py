"""A job in a process of its own, with the Python that has the engine."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .paths import BENCH

TIME_LIMIT_S = 3600
STOPPED = "stopped after"


def run_job(python: Path, job: dict, judge, limit_s: float = TIME_LIMIT_S) -> dict:
    """Runs the job; ``judge(result, answers_file)`` adds to a good result what the answers show.

    ``job["environment"]`` adds to the process's environment variables.
    Returns the result and how long its process took, ``wall_s``; or ``{"error": text}``.
    """
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as folder:
        result_file, answers = Path(folder, "result.json"), Path(folder, "answers.npz")
        job_file = Path(folder, "job.json")
        job_file.write_text(
            json.dumps({**job, "result": str(result_file), "answers": str(answers)})
        )
        start = time.perf_counter()
        output = _run(
            [str(python), "-m", "harness.worker", str(job_file)],
            limit_s,
            job.get("environment", {}),
        )
        wall = time.perf_counter() - start
        if not result_file.is_file():
            return {"error": output if output.startswith(STOPPED) else _no_result(output)}
        result = json.loads(result_file.read_text())
        if "error" not in result:
            result["wall_s"] = wall
            judge(result, answers)
        return result


def _no_result(output: str) -> str:
    return f"the process ended without a result: {output[-400:].strip()}"


def _run(command: list[str], limit_s: float, environment: dict) -> str:
    """What the command printed; its whole process group is ended after ``limit_s``."""
    process = subprocess.Popen(
        command,
        cwd=BENCH,
        env={**os.environ, "PYTHONPATH": str(BENCH), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"{STOPPED} {limit_s:.0f} s"
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        sys.stderr.write(output)
    return output


def _end(process: subprocess.Popen) -> None:
    """Ends the process and what it has started; the group is its own (`start_new_session`)."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    process.stdout.close()
