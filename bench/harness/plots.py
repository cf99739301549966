"""Plots: tasks say what to draw as plain data, a process with matplotlib draws it as SVG and PNG.

plot     {"file": stem, "title": text, "x": axis, "y": axis, "series": [...], "note": text below it}
axis     {"label": text, "log": bool}
series   {"name": text, "x": [...], "y": [...], "own": bool}; ours are drawn heavier

May not enter: figures, and matplotlib (it is in ``.bench-venv`` only).
"""

import json
import subprocess
from pathlib import Path

from . import peers
from .paths import BENCH


def draw(wanted: list[dict], folder: Path) -> list[str]:
    """Draws into the folder; the names of the SVG files. Raises PeerMissing without matplotlib."""
    wanted = [plot for plot in wanted if any(series["x"] for series in plot["series"])]
    if not wanted:
        return []
    python = peers.tools_python()
    done = subprocess.run(
        [str(python), "-m", "harness.draw", str(folder.resolve())],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        cwd=BENCH,
    )
    if done.returncode:
        raise peers.PeerMissing(done.stderr.strip().splitlines()[-1])
    return [f"{plot['file']}.svg" for plot in wanted]
