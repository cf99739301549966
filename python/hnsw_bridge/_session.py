"""A membership at one server, from any thread of a process and of its forks.

    process   Session ── keeper connection          holds the session open, closes indexes
                 ├── thread 1: connection           made when that thread first calls
                 └── thread 2: connection
    fork      same Session, own connections         joins by the session's secret, owns no server

A session that lost its server is dead for good. A server of our own that stays silent is killed:
nobody else would end it. What may not enter: which session a process uses, what an index holds, and
anything of PyNNDescent.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._connection import Connection, Greeting, ProgressListener
from ._errors import CallTimeout, Closed, EngineUnavailable, ServerDied, answer_of
from ._forms import Stored
from ._launch import LocalServer
from ._locks import ForkSafeLock
from ._patience import patience_s
from ._protocol import Header
from ._remote import RemoteIndex
from ._transfer import Download, Kept, Part
from ._transport import ZmqTransport
from ._version import __version__

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CLIENT = f"hnsw_bridge/{__version__}"
# Guessed: a server answers within milliseconds, whatever it computes. Where one was not known to be
# there, silence is more likely a wrong address than a busy machine.
_HELLO_S = 10.0
_MAKING = (
    "build",
    "load",
    "import_hnswlib",
    "put",
)  # Operations that leave something at the server.


@dataclass(frozen=True)
class Where:
    """Where a server listens, and what it asks of its clients."""

    endpoint: str
    token: str | None = None
    server_key: str | None = None


class Session:
    """A membership at one server. Safe to use from any thread, and after a fork."""

    def __init__(self, where: Where, server: LocalServer | None = None) -> None:
        self._where = where
        self._server = server
        self._dead = False
        self._to_close: deque[Header] = deque()
        self._owner = os.getpid()
        self._threads = threading.local()
        # Not re-entrant: a garbage collection inside a send must not start another send.
        self._keeper_lock = ForkSafeLock(threading.Lock)
        self._keeper, self.greeting = self._connect(None)

    @property
    def endpoint(self) -> str:
        return self._where.endpoint

    def is_dead(self) -> bool:
        """Whether the server is gone. A thread without a connection makes one to find out."""
        if not self._dead and (self._server_ended() or not self._reaches()):
            self._lose()
        return self._dead

    def _reaches(self) -> bool:
        """Whether this thread is connected. Waits only where it has to connect first."""
        try:
            mine = self._mine() or self._join()
            self._renew_keeper()
            return mine.is_alive()
        except (ServerDied, Closed):  # Nobody there, or another server that knows no such session.
            return False

    def call(
        self,
        op: str,
        header: Header | None = None,
        parts: Sequence[Part] = (),
        on_progress: ProgressListener | None = None,
    ) -> Header:
        """Run an operation that ends in a reply. Raises HnswError, ServerDied among them."""
        with self._making(op), self._connection() as connection:
            return connection.call(op, header or {}, parts, on_progress)

    def fetch(
        self,
        op: str,
        header: Header,
        download: Download[Kept],
        parts: Sequence[Part] = (),
        on_progress: ProgressListener | None = None,
    ) -> Kept:
        """Run an operation that ends in batches. Raises HnswError, ServerDied among them."""
        with self._making(op), self._connection() as connection:
            return connection.fetch(op, header, download, parts, on_progress)

    def build(
        self, rows: Stored, options: Header, on_progress: ProgressListener | None
    ) -> RemoteIndex:
        """Make an index of the rows (n, d) at the server."""
        return RemoteIndex.build(self, rows, options, on_progress)

    def load(
        self, dump: bytes | bytearray, threads: int | None, on_progress: ProgressListener | None
    ) -> RemoteIndex:
        """An index of a dump with its rows. Raises CorruptFile, UnsupportedVersion."""
        return RemoteIndex.load(self, dump, threads, on_progress)

    def import_hnswlib(
        self, data: bytes | bytearray, options: Header, on_progress: ProgressListener | None
    ) -> tuple[RemoteIndex, npt.NDArray[np.uint64]]:
        """The index in the bytes of a file of hnswlib, and the label of each row."""
        return RemoteIndex.import_hnswlib(self, data, options, on_progress)

    def release(self, named: Header) -> None:
        """Close an index or a value without waiting; the garbage collector calls it, anywhere."""
        self._to_close.append(named)
        # A collection can start in a thread that holds the lock; then the next call sends it.
        if self._owner == os.getpid() and self._keeper_lock.try_acquire():
            try:
                self._tend_keeper()
            finally:
                self._keeper_lock.release()

    @contextlib.contextmanager
    def _making(self, op: str) -> Iterator[None]:
        """Close what a call that is broken off has made by then."""
        try:
            yield
        except BaseException as error:
            answer = answer_of(error) if op in _MAKING else None
            for kind in ("index", "value"):
                if answer is not None and kind in answer:
                    self.release({kind: answer[kind]})
            raise

    def close(self) -> None:
        """Leave the session; the server closes its indexes, and ends if this process started it."""
        self._dead = True
        self._threads.__dict__.clear()
        if self._owner != os.getpid():
            return
        with self._keeper_lock:
            if self._server is None and self._keeper.is_open():
                self._keeper.post("goodbye", {})
            self._keeper.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork_in_child(self) -> None:
        """Drop what only the parent may use. The session itself lives on, shared."""
        self._threads = threading.local()
        self._to_close = deque()
        if self._server is not None:
            self._server.disown()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        """This thread's connection. The server's end marks the session and tells how it came."""
        if self._dead:
            raise Closed("the session has ended")
        try:
            connection = self._mine() or self._join()
            connection.drop_pending()
            self._close_released(connection)
            yield connection
        except CallTimeout as error:
            raise CallTimeout(self._end_of_silent(str(error))) from None
        except ServerDied as error:
            self._dead = True
            raise ServerDied(self._obituary(str(error))) from None

    def _mine(self) -> Connection | None:
        mine: _ThreadConnection | None = getattr(self._threads, "mine", None)
        return mine.connection if mine is not None and mine.connection.is_open() else None

    def _join(self) -> Connection:
        connection, _ = self._connect(self.greeting.session)
        self._threads.mine = _ThreadConnection(connection)
        return connection

    def _renew_keeper(self) -> None:
        """A Ctrl-C in the middle of a release costs the keeper its connection."""
        if self._owner != os.getpid() or self._keeper.is_open():
            return
        with self._keeper_lock:
            if not self._keeper.is_open():
                self._keeper, _ = self._connect(self.greeting.session)

    def _connect(self, session: str | None) -> tuple[Connection, Greeting]:
        expected = session is not None or self._server is not None
        wait_s = patience_s() if expected else min(_HELLO_S, patience_s())
        connection = Connection(ZmqTransport(self.endpoint, self._where.server_key))
        try:
            return connection, connection.hello(_CLIENT, self._where.token, session, wait_s)
        except BaseException as error:
            connection.close()
            if isinstance(error, (ServerDied, EngineUnavailable)):
                hint = self._key_hint()
                raise EngineUnavailable(f"no server at {self.endpoint}: {error}{hint}") from None
            raise

    def _key_hint(self) -> str:
        """A server that encrypts does not say so to a client that does not."""
        tcp = self.endpoint.startswith("tcp:")
        return "; if it encrypts, is server_key its public key?" if tcp else ""

    @property
    def _own_server(self) -> LocalServer | None:
        """The server, if this very process started it: not in a forked child."""
        return self._server if self._owner == os.getpid() else None

    def _server_ended(self) -> bool:
        return self._own_server is not None and not self._own_server.is_running()

    def _lose(self) -> None:
        """The server died, or is as good as dead: then nobody shall wait for it again."""
        self._dead = True
        if self._own_server is not None:
            self._own_server.kill()

    def _tend_keeper(self) -> None:
        """Close what was released, and read what has gathered there: signs of life, replies."""
        if self._dead or not self._keeper.is_open():
            return
        try:
            self._keeper.drop_pending()
            self._close_released(self._keeper)
        except ServerDied:
            self._dead = True

    def _close_released(self, connection: Connection) -> None:
        with contextlib.suppress(IndexError):  # Another thread may be at it.
            while self._to_close:
                connection.post("close", self._to_close.popleft())

    def _obituary(self, what: str) -> str:
        if self._own_server is None:
            return f"{what} ({self.endpoint})"
        lost = "the server died" if self._own_server.ends_soon() else what
        return f"{lost}: {self._own_server.obituary()}"

    def _end_of_silent(self, what: str) -> str:
        self._lose()
        if self._own_server is None:
            return f"{what} ({self.endpoint})"
        words = self._own_server.last_words()
        return f"{what} and was ended, the next call starts another; its last words: {words}"


class _ThreadConnection:
    """Closes its connection when its thread ends: thread-local values are collected then."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._pid = os.getpid()

    def __del__(self) -> None:
        if self._pid == os.getpid():
            self.connection.close()
