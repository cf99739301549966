"""PyNNDescent's own tests, which are in its source distribution only: fetched, verified, unpacked.

They are copied under the name `pnt_tests`, so that they import the installed package and not the
one they came with.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
CACHE = _HERE.parents[2] / "node_modules" / ".cache" / "hnsw-bridge" / "upstream"
LOCK: dict[str, Any] = json.loads((_HERE / "pynndescent.json").read_text())
_SECONDS = 180


class NotFetched(Exception):
    """The source distribution is not here and cannot be had."""


def unpacked_tests() -> Path:
    """The folder that holds `pnt_tests`; fetched when it is not there yet.

    Raises NotFetched without a network, ValueError for an archive that is not the pinned one.
    """
    folder = CACHE / f"pynndescent-{LOCK['version']}"
    if not (folder / "pnt_tests" / "__init__.py").is_file():
        archive = CACHE / f"pynndescent-{LOCK['version']}.tar.gz"
        if not archive.is_file():
            _fetch()
        _verify(archive)
        _unpack(archive, folder)
    return folder


def _fetch() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    what = ["--no-deps", "--no-binary", "pynndescent", f"pynndescent=={LOCK['version']}"]
    try:
        done = subprocess.run(
            [*pip, *what, "--dest", str(CACHE)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"pip was not done in {_SECONDS} s") from None
    if done.returncode != 0:
        raise NotFetched((done.stderr.strip() or "pip failed").splitlines()[-1])


def _verify(archive: Path) -> None:
    seen = hashlib.sha256(archive.read_bytes()).hexdigest()
    if seen != LOCK["sha256"]:
        archive.unlink()
        raise ValueError(f"{archive.name} has the sha256 {seen}, expected {LOCK['sha256']}")


def _unpack(archive: Path, folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(fresh, filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (fresh / archive.name.removesuffix(".tar.gz") / "pynndescent" / "tests").rename(
        folder / "pnt_tests"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")  # Else pytest looks for one further up.
    shutil.rmtree(fresh)
