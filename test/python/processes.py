"""Programs of `programs/` as processes that tests talk to, and questions about any process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hnsw_bridge import _launch

PROGRAMS = Path(__file__).parent / "programs"
# What the promises in milliseconds and seconds are held to: machines that test are busy.
GENEROUS_S = 5.0


@contextmanager
def program(name: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, as a terminal has one. Killed at the end."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAMS / name), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
        bufsize=1,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


TOKEN = "a token for the tests"


def command(*arguments: str) -> list[str]:
    """The command line of `hnsw-bridge`, as this package finds it."""
    return [*_launch.find_command()[:2], *arguments]


@contextmanager
def serving(address: str, *options: str) -> Iterator[str]:
    """The endpoint of a server on tcp, as `hnsw-bridge serve` starts it. It ends with the block."""
    with subprocess.Popen(
        command("serve", "--tcp", address, "--json", *options),
        env={**os.environ, "HNSW_BRIDGE_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["endpoint"]
        process.terminate()
        assert process.wait() == 0


def tell(process: subprocess.Popen[str]) -> None:
    """Let a program go on that waits for a line."""
    assert process.stdin is not None
    process.stdin.write("\n")


def heard(process: subprocess.Popen[str]) -> str:
    """The next line of a program."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def is_running(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return not status.parent.parent.exists()


def resume(pid: int) -> None:
    """Let a stopped process go on, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
