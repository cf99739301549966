"""The peers' own environment, ``.bench-venv``: what is there, and installing what is not.

Each peer is a pinned requirements file of its own in ``peers/``, installed by itself, so that one
that does not install on this machine costs nothing but its row in the table.
"""

import subprocess
import sys
import venv
from pathlib import Path

from .paths import BENCH, PEER_VENV, ROOT

# shared with the product's own environment, so that both run the same numpy and numba
CONSTRAINTS = ROOT / "python" / "requirements.lock"


class PeerMissing(Exception):
    """A peer cannot be installed here; the text is pip's last line."""


def python_for(engine: str) -> Path:
    """The interpreter that has the engine, after installing it if need be; raises PeerMissing."""
    pins = BENCH / "peers" / f"{engine}.txt"
    if not pins.is_file():
        return Path(sys.executable)
    stamp = PEER_VENV / f".installed-{engine}"
    if not (stamp.is_file() and stamp.read_text() == pins.read_text()):
        _install(engine, pins)
        stamp.write_text(pins.read_text())
    return _interpreter()


def _install(engine: str, pins: Path) -> None:
    if not _interpreter().is_file():
        venv.create(PEER_VENV, with_pip=True)
    print(f"installing {engine} into {PEER_VENV.name}", file=sys.stderr)
    command = [str(_interpreter()), "-m", "pip", "install", "--quiet", "-r", str(pins)]
    if CONSTRAINTS.is_file():
        command += ["-c", str(CONSTRAINTS)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise PeerMissing(lines[-1] if lines else f"pip ended with {done.returncode}")


def _interpreter() -> Path:
    windows = sys.platform == "win32"
    return PEER_VENV / ("Scripts/python.exe" if windows else "bin/python")
