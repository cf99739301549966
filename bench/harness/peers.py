"""The peers' own environments: what is there, and installing what is not.

Each peer is a file of its own in ``peers/``, installed by itself into ``.bench-venv``, so that one
that does not install on this machine costs nothing but its row in the table:

``NAME.txt``      pinned requirements
``NAME.env``      environment variables of its build, KEY=VALUE a line
``NAME.source``   it is on no registry: ``NAME.txt`` is what its build needs, and this the folder
                  inside a checkout that ``--NAME DIR`` names
``NAME.npm``      it runs in Node: the npm package of `node_peers` that it needs
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from . import node_peers
from .paths import BENCH, PEER_VENV, ROOT

PEERS = BENCH / "peers"
SOURCES = (".c", ".cc", ".cpp", ".h", ".hpp", ".py", ".toml")
# shared with the product's own environment, so that both run the same numpy and numba
CONSTRAINTS = ROOT / "python" / "requirements.lock"


class PeerMissing(Exception):
    """A peer cannot be had here; the text is the last line of what tried, or what to do."""


def python_for(engine: str, source: Path | None = None) -> Path:
    """The interpreter that has the engine, after installing it if need be; raises PeerMissing.

    ``source``: the checkout of a peer that is on no registry.
    """
    package = PEERS / f"{engine}.npm"
    if package.is_file():
        _node_package(package.read_text().strip())
        return Path(sys.executable)
    pins = PEERS / f"{engine}.txt"
    if not pins.is_file():
        return Path(sys.executable)
    folder = _source_folder(engine, source)
    _once(f"peer-{engine}", _wanted(pins, folder), lambda: _install(engine, pins, folder))
    return interpreter()


def tools_python() -> Path:
    """The interpreter with what the bench itself draws with; raises PeerMissing."""
    pins = BENCH / "requirements.txt"
    _once("tools", pins.read_text(), lambda: _pip("-r", str(pins)))
    return interpreter()


def interpreter() -> Path:
    windows = sys.platform == "win32"
    return PEER_VENV / ("Scripts/python.exe" if windows else "bin/python")


def _once(name: str, wanted: str, make) -> None:
    stamp = PEER_VENV / f".installed-{name}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"installing {name} into {PEER_VENV.name}", file=sys.stderr)
    if not interpreter().is_file():
        venv.create(PEER_VENV, with_pip=True)
    make()
    stamp.write_text(wanted)


def _node_package(package: str) -> None:
    problem = node_peers.install(package)
    if problem is not None:
        raise PeerMissing(problem)


def _source_folder(engine: str, source: Path | None) -> Path | None:
    """Where the peer's own build begins inside its checkout; None for one from a registry."""
    inside = PEERS / f"{engine}.source"
    if not inside.is_file():
        return None
    if source is None:
        raise PeerMissing(f"it is on no registry: name a source checkout with --{engine} DIR")
    folder = source.resolve() / inside.read_text().strip()
    if not folder.is_dir():
        raise PeerMissing(f"{source} is no checkout of it: no folder {inside.read_text().strip()}")
    return folder


def _wanted(pins: Path, folder: Path | None) -> str:
    """What an installation is made of: another text means that it is made anew."""
    text = pins.read_text()
    if folder is None:
        return text
    digest = hashlib.sha256()
    for file in sorted(folder.parent.rglob("*")):
        if file.suffix in SOURCES:
            digest.update(file.read_bytes())
    return f"{text}{digest.hexdigest()}\n"


def _install(engine: str, pins: Path, folder: Path | None) -> None:
    _pip("-r", str(pins), environment=_variables(engine))
    if folder is None:
        return
    # built in a copy: a checkout stays as it is
    with tempfile.TemporaryDirectory(prefix="hnsw-bench-") as place:
        copy = Path(place, "source")
        shutil.copytree(folder.parent, copy, ignore=shutil.ignore_patterns(".git"))
        _pip("--no-build-isolation", "--no-deps", str(copy / folder.name))


def _variables(engine: str) -> dict[str, str]:
    file = PEERS / f"{engine}.env"
    lines = file.read_text().splitlines() if file.is_file() else []
    return dict(line.split("=", 1) for line in lines)


def _pip(*arguments: str, environment: dict[str, str] | None = None) -> None:
    command = [str(interpreter()), "-m", "pip", "install", "--quiet"]
    command += ["--disable-pip-version-check", *arguments]
    if CONSTRAINTS.is_file():
        command += ["-c", str(CONSTRAINTS)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise PeerMissing(lines[-1] if lines else f"pip ended with {done.returncode}")
