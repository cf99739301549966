"""The process's session with a server: made on first use, shared by all, gone with the process.

A session that lost its server is dead; `session()` then makes the next one, with another server
where this process starts its own. What may not enter: calls, and what an index holds.
"""

from __future__ import annotations

import atexit
import os
from typing import Any

from ._curve import public_key
from ._launch import LocalServer
from ._locks import ForkSafeLock
from ._names import snake_case
from ._session import Session as Session
from ._session import Where


class _Process:
    """What this process knows: where the server is, if told, and the session in use."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.where: Where | None = None
        self.session: Session | None = None


_process = _Process()


class _Connected(Session):
    """A session that was asked for; after a ``with`` block of it the process is without one."""

    def __exit__(self, *_: object) -> None:
        with _process.lock:
            shutdown() if _process.session is self else self.close()


def session() -> Session:
    """The live session of this process; starts or joins a server when there is none.

    Raises EngineUnavailable when no server can be found, started or reached.
    """
    with _process.lock:
        current = _process.session
        if current is not None and not current.is_dead():
            return current
        if current is not None:
            _process.session = None
            current.close()
        _process.session = _open_session()
        return _process.session


def connect(
    endpoint: str, token: str | None = None, server_key: str | os.PathLike[str] | None = None
) -> Session:
    """Use the server at `endpoint` from now on, instead of starting one.

    Parameters
    ----------
    endpoint : str
        ``tcp://host:port`` or ``ipc://path``, as ``hnsw-bridge serve`` prints it.
    token : str, optional
        What the server was started with; needed for tcp.
    server_key : str or path, optional
        The public CURVE key of a server that encrypts, or a file with it; needed beyond loopback.

    Returns
    -------
    Session
        As a context manager it is left at the end of the block.

    Raises
    ------
    EngineUnavailable
        When nothing answers there.
    Unauthorized
        When the token is wrong.
    InvalidArgument
        When `server_key` is no key.
    """
    with _process.lock:
        where = Where(endpoint, token, None if server_key is None else public_key(server_key))
        opened = _Connected(where)
        shutdown()
        _process.where, _process.session = where, opened
        return opened


def shutdown() -> None:
    """End the session, and the server if this process started it. The next use starts another."""
    with _process.lock:
        if _process.session is not None:
            _process.session.close()
        _process.where = _process.session = None


def stats() -> dict[str, Any]:
    """What the server counts: ``{"server": {"calls": {op: n}, …}, "session": {…}}``."""
    reply = session().call("stats")
    return {part: snake_case(reply[part]) for part in ("server", "session")}


def _open_session() -> Session:
    where = _process.where or _where_in_environment()
    if where is not None:
        return Session(where)
    server = LocalServer()
    try:
        _import_libraries()
        return Session(Where(server.wait_ready()), server)
    except BaseException:
        server.stop()
        raise


def _import_libraries() -> None:
    """Import what the first messages need now, while the server starts."""
    import zmq  # noqa: F401


def _where_in_environment() -> Where | None:
    endpoint, token, key = (
        os.environ.get(f"HNSW_BRIDGE_{name}") or None
        for name in ("ENDPOINT", "TOKEN", "SERVER_KEY")
    )
    if endpoint is None:
        return None
    return Where(endpoint, token, None if key is None else public_key(key))


def _after_fork_in_child() -> None:
    if _process.session is not None:
        _process.session.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@atexit.register
def _at_exit() -> None:
    # A forked child leaves quietly: what it would close belongs to its parent.
    shutdown()
