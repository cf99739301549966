"""Node peers: the packages of ``node-peers/``, installed from its lock file into the cache.

They are no dependency of the project: its own lock file does not know them.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from .paths import BENCH, cache_dir

MANIFESTS = BENCH / "node-peers"


def folder() -> Path:
    """Where the packages are, or will be: named after the lock file, so that a new one is new."""
    lock = (MANIFESTS / "package-lock.json").read_bytes()
    return cache_dir() / f"node-peers-{hashlib.sha256(lock).hexdigest()[:16]}"


def install(package: str) -> str | None:
    """Installs what is not there yet; the reason when that package cannot be had, else None."""
    place = folder()
    if _has(place, package):
        return None
    if shutil.which("npm") is None:
        return "npm is not on the PATH"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(MANIFESTS / name, place)
    # a package that does not build is optional here, and left out by npm
    done = subprocess.run(
        [shutil.which("npm"), "ci", "--no-audit", "--no-fund"],
        cwd=place,
        capture_output=True,
        text=True,
    )
    if _has(place, package):
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"npm did not install {package}"


def _has(place: Path, package: str) -> bool:
    return (place / "node_modules" / package / "package.json").is_file()
