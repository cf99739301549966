"""CURVE: the key by which a server elsewhere proves what it is, and everything is encrypted."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from ._errors import InvalidArgument

if TYPE_CHECKING:
    import zmq

_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_IN_A_FILE = re.compile(r'^\s*public-key\s*=\s*"([^"]*)"', re.MULTILINE)


def public_key(given: str | os.PathLike[str]) -> str:
    """The key itself, given as such or by a file that ``hnsw-bridge keygen`` wrote.

    Raises InvalidArgument; a wrong key may be a secret one, so it is not shown.
    """
    if isinstance(given, str) and _KEY.fullmatch(given):
        return given
    try:
        with open(given, encoding="utf-8") as file:
            found = _IN_A_FILE.search(file.read())
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            "server_key must be a public key of 40 characters, or a file that holds one: "
            f"{type(error).__name__}"
        ) from None
    if found is None or not _KEY.fullmatch(found[1]):
        raise InvalidArgument(f"{os.fspath(given)} holds no public-key, as keygen writes it")
    return found[1]


def encrypt(socket: zmq.Socket[Any], server_key: str) -> None:
    """Set a socket up for a server with this key; its own pair is made for this connection."""
    import zmq

    public, secret = zmq.curve_keypair()
    socket.setsockopt(zmq.CURVE_SERVERKEY, server_key.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
