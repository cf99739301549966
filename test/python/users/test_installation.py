"""A first fit in a fresh process, and an installation that nobody may write to."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = _ROOT / "test" / "python" / "programs" / "on_read_only.py"
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def test_contract_49_the_first_index_of_a_process_compiles_nothing(run_program, capsys):
    done = run_program("first_fit.py").stdout.strip()
    with capsys.disabled():
        print(f"\n  first index of 300 rows in a fresh process: {done}", end="")
    assert done.startswith("HnswIndexWrapper (300, 15) 0 compiled")


@pytest.fixture
def installation(tmp_path):
    """A copy of the package and its server, read-only, and a home that is so too."""
    shutil.copytree(
        _ROOT / "python" / "hnsw_bridge",
        tmp_path / "python" / "hnsw_bridge",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in ("dist", "native"):
        shutil.copytree(_ROOT / name, tmp_path / name)
    shutil.copy(_ROOT / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(_ROOT / "node_modules")
    (tmp_path / "home").mkdir()
    everything = [tmp_path, *(path for path in tmp_path.rglob("*") if not path.is_symlink())]
    for path in everything:
        path.chmod(path.stat().st_mode & ~_WRITABLE)
    yield tmp_path
    for path in everything:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def _obeying_permissions():
    """How to start a program that permissions hold for, also when root starts it."""
    if os.name == "nt" or os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
    if (
        shutil.which("setpriv") is None
        or subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("root may write anywhere, and setpriv cannot take that from it here")
    return command


def test_a_read_only_installation_and_home_suffice(installation):
    package = installation / "python" / "hnsw_bridge"
    before = sorted(installation.rglob("*"))
    home = str(installation / "home")
    done = subprocess.run(
        [*_obeying_permissions(), sys.executable, str(_PROGRAM), str(package)],
        env={**os.environ, "PYTHONPATH": str(package.parent), "HOME": home, "USERPROFILE": home},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "PermissionError PermissionError",
        "(300, 15) [0 1]",
        "1800",
        "True",
    ]
    assert sorted(installation.rglob("*")) == before
