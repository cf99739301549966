"""Getting Debian's Fashion-MNIST package onto a machine that has apt and lets us."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness import fashion_mnist

TIME_LIMIT_S = 300


def install_fashion_mnist(say: Callable[[str], None]) -> Path | None:
    """The folder after installing the package, or None with the reason said."""
    prefix = _privilege()
    if prefix is None:
        say("Fashion-MNIST is not here, and there is no apt-get that this user may run.")
        return None
    say(f"Fashion-MNIST is not here: installing Debian's package {fashion_mnist.PACKAGE}.")
    install = [*prefix, "apt-get", "install", "-y", "-q", fashion_mnist.PACKAGE]
    if not _run(install):
        # a fresh machine has no package lists yet
        _run([*prefix, "apt-get", "update", "-q"])
        if not _run(install):
            say(f"apt-get could not install {fashion_mnist.PACKAGE}.")
            return None
    return fashion_mnist.find()


def _privilege() -> list[str] | None:
    """What to put before apt-get: nothing for root, sudo where it asks no password, else None."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") and _run(["sudo", "-n", "true"]) else None


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=TIME_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
