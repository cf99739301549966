"""Runs one job in this fresh process: ``python -m harness.worker JOB.json``.

The job names an engine, a task, the rows' file and where the result goes. A failure is a result
too: ``{"error": ...}``, so that the runner can name it in the table.
"""

import importlib
import json
import sys
import traceback
from pathlib import Path


def main(job_file: str) -> int:
    job = json.loads(Path(job_file).read_text())
    task = importlib.import_module(f"tasks.{job['task']}")
    try:
        result = task.run(job)
    except Exception as error:
        traceback.print_exc()
        result = {"error": f"{type(error).__name__}: {error}"}
    Path(job["result"]).write_text(json.dumps(result))
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
