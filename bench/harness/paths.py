"""Where things lie: the project, its environments, and a cache outside the project."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
PEER_VENV = ROOT / ".bench-venv"


def cache_dir() -> Path:
    """Folder for prepared rows and exact truths; never inside the project."""
    chosen = os.environ.get("HNSW_BRIDGE_BENCH_CACHE")
    if chosen:
        path = Path(chosen)
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        path = Path(home) / "hnsw-bridge" / "bench"
    path.mkdir(parents=True, exist_ok=True)
    return path


def sample_data_dir() -> Path:
    """Folder of the small real sets (letter, sift5k); it may be absent."""
    chosen = os.environ.get("HNSW_BRIDGE_SAMPLE_DATA")
    return Path(chosen) if chosen else ROOT.parent / "shared" / "data"
