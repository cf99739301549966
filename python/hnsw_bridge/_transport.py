"""Transport: how one message of frames gets to a server and back. Nothing here reads a message.

A transport belongs to one thread. `ZmqTransport` is a DEALER socket with a monitor beside it: the
monitor tells at once when the peer's socket closes, so a killed server is an event, not a timeout.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ._curve import encrypt
from ._errors import ServerDied
from ._locks import ForkSafeLock
from ._protocol import Frame

if TYPE_CHECKING:
    import zmq

_COPY_BELOW_BYTES = 65_536  # Handing over smaller frames by reference costs more than copying them.
# A Ctrl-C that another thread's stack catches, or that comes just before a poll, does not end it.
_POLL_SLICE_MS = 50
_LINGER_MS = 200  # What a last `goodbye` may take to leave.
_MAX_SOCKETS = (
    16_384  # Three per thread, monitors included; the default would end near 340 threads.
)
_HEARTBEAT_MS = 2_000  # Finds a half-open tcp connection; answered below the server's event loop.


class Transport(Protocol):
    """Carries messages in both directions, in order. Used by one thread at a time."""

    def send(self, frames: Sequence[Frame]) -> None:
        """Queue one message. The frames' memory must not change until it has left."""

    def receive(self, timeout_s: float) -> list[Frame] | None:
        """The next message, or None after `timeout_s`. Raises ServerDied when the peer is gone."""

    def is_alive(self) -> bool:
        """Whether the peer is still connected; never blocks."""

    def is_open(self) -> bool:
        """Whether this side still uses the transport."""

    def close(self) -> None:
        """Let go of the peer. May be called twice."""


class ZmqTransport:
    """A DEALER socket to `endpoint` (``ipc://…`` or ``tcp://…``), encrypted for `server_key`."""

    def __init__(self, endpoint: str, server_key: str | None = None) -> None:
        import zmq

        self._socket = _context().socket(zmq.DEALER)
        # Credits bound what is queued; a full queue would only block where nothing can be heard.
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        if server_key is not None:
            encrypt(self._socket, server_key)
        if endpoint.startswith("tcp:"):
            self._socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
            self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5 * _HEARTBEAT_MS)
        # A server prints its endpoint when it listens, so a retry means that nobody is there.
        gone = zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
        self._monitor = self._socket.get_monitor_socket(gone)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._socket.connect(endpoint)

    def send(self, frames: Sequence[Frame]) -> None:
        import zmq

        last = len(frames) - 1
        try:
            for i, frame in enumerate(frames):
                by_reference = len(frame) >= _COPY_BELOW_BYTES
                self._socket.send(frame, zmq.SNDMORE if i < last else 0, copy=not by_reference)
        except BaseException:
            # Ctrl-C between two frames: half a message would swallow whatever is sent next.
            self.close()
            raise

    def receive(self, timeout_s: float) -> list[Frame] | None:
        if timeout_s == 0 and not _is_readable(self._socket):
            return None  # Cheaper than a poll; a broken connection is found by who waits.
        remaining_ms = int(timeout_s * 1000)
        while True:
            slice_ms = max(0, min(_POLL_SLICE_MS, remaining_ms))
            ready = [socket for socket, _ in self._poller.poll(slice_ms)]
            # What had arrived before the connection broke is still delivered first.
            if self._socket in ready:
                return self._receive_all()
            if ready:
                raise ServerDied("nobody listens, or the connection broke")
            remaining_ms -= slice_ms
            if remaining_ms <= 0:
                return None

    def _receive_all(self) -> list[Frame]:
        try:
            return [frame.buffer for frame in self._socket.recv_multipart(copy=False)]
        except BaseException:
            # Ctrl-C between two frames: the rest would be taken for a message of its own.
            self.close()
            raise

    def is_alive(self) -> bool:
        return self.is_open() and not _is_readable(self._monitor)

    def is_open(self) -> bool:
        return not self._socket.closed

    def close(self) -> None:
        if self.is_open():
            with contextlib.suppress(KeyError):  # A Ctrl-C may have broken a first close off here.
                self._poller.unregister(self._monitor)
            self._socket.disable_monitor()
            self._monitor.close()
            self._socket.close()


def _is_readable(socket: zmq.Socket[Any]) -> bool:
    import zmq

    events: Any = socket.getsockopt(zmq.EVENTS)
    return bool(events & zmq.POLLIN)


_contexts: dict[int, zmq.Context[Any]] = {}
_contexts_lock = ForkSafeLock()


def _context() -> zmq.Context[Any]:
    """This process's ZeroMQ context. A forked child makes one of its own."""
    import zmq

    pid = os.getpid()
    with _contexts_lock:
        if pid not in _contexts:
            _contexts[pid] = zmq.Context()
            _contexts[pid].set(zmq.MAX_SOCKETS, _MAX_SOCKETS)
        return _contexts[pid]
