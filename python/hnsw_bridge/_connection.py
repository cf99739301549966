"""One thread's connection: calls over a transport, with rows going up and results coming down.

    call      ----------------------------->
              <---- credit, credit, …        rows go up in batches, one per credit
    rows …    ----------------------------->
              <---- progress …
              <---- reply | error | result … results come down, each acknowledged by a credit

One call is in flight at a time. One that is broken off here (by Ctrl-C, say) is cancelled there and
waited for, so that both sides know how it ended; where that is not to be had the connection is
closed, which cancels it too. What may not enter: which server, and what an index is.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Protocol as Shape

from ._errors import (
    CallTimeout,
    EngineUnavailable,
    HnswError,
    ProtocolError,
    ServerDied,
    error_from,
    note_answer,
)
from ._patience import patience_s
from ._protocol import PROTOCOL_RANGE, Frame, Header, decode_header, encode_header
from ._transfer import Download, Kept, Limits, Part, Upload
from ._transport import Transport

_RESULT_CREDITS = 4
_PINGS = 3  # Signs of life asked for before a silent server is given up.
_CANCEL_WAIT_S = 5.0  # A cancel takes 200 ms; more than this is not waited for it.
_MAX_ID = 2**32


class ProgressListener(Shape):
    """Hears how far a call is. `seconds_left` is the server's guess, where it has one."""

    def __call__(
        self, phase: str, done: int, total: int, seconds_left: float | None = None
    ) -> None: ...


@dataclass(frozen=True)
class Metric:
    """A metric of the server's table; `name` is its canonical name."""

    name: str
    params: tuple[str, ...]
    angular: bool
    forms: tuple[str, ...] = ("dense",)
    quantizations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Greeting:
    """What the server said in answer to hello. `metrics` has an entry per name and per alias."""

    session: str
    server: str
    threads: int
    limits: Limits
    metrics: dict[str, Metric]
    features: frozenset[str] = frozenset()


class Connection:
    """Calls to one server from one thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._patience_s = patience_s()
        self._ids = itertools.count(1)
        self.limits: Limits = {}
        self._takes_bare = False

    def hello(self, client: str, token: str | None, session: str | None, wait_s: float) -> Greeting:
        """Start a session, or join one by its secret. EngineUnavailable when nobody answers."""
        header: Header = {"protocol": list(PROTOCOL_RANGE), "client": client}
        header.update({k: v for k, v in (("token", token), ("session", session)) if v is not None})
        self._post("hello", header)
        message = self._transport.receive(wait_s)  # Nothing else can come first on a connection.
        if message is None:
            raise EngineUnavailable(f"no server answered within {wait_s:g} s")
        reply = decode_header(message[0])
        if reply["type"] == "error":
            raise error_from(str(reply["code"]), str(reply["message"]))
        greeting = _read_greeting(reply)
        self.limits = greeting.limits
        self._takes_bare = "bare" in greeting.features
        return greeting

    def call(
        self,
        op: str,
        header: Header,
        parts: Sequence[Part] = (),
        on_progress: ProgressListener | None = None,
    ) -> Header:
        """Run an operation that ends in a reply, and return the reply's header."""
        return self._run(op, header, parts, None, on_progress)

    def fetch(
        self,
        op: str,
        header: Header,
        download: Download[Kept],
        parts: Sequence[Part] = (),
        on_progress: ProgressListener | None = None,
    ) -> Kept:
        """Run an operation that ends in batches, and return what was downloaded."""
        header = {**header, "credits": _RESULT_CREDITS}
        self._run(op, header, parts, download, on_progress)
        if not download.done:
            raise ProtocolError(f"the server answered {op} without a result")
        return download.result()

    def post(self, op: str, header: Header) -> None:
        """Send a request whose answer nobody waits for."""
        self._post(op, header)

    def drop_pending(self) -> None:
        """Throw away what has arrived since the last call."""
        while self._transport.receive(0) is not None:
            pass

    def is_alive(self) -> bool:
        return self._transport.is_alive()

    def is_open(self) -> bool:
        return self._transport.is_open()

    def close(self) -> None:
        self._transport.close()

    def _run(
        self,
        op: str,
        header: Header,
        parts: Sequence[Part],
        download: Download[Any] | None,
        on_progress: ProgressListener | None,
    ) -> Header:
        upload = Upload(parts, self.limits, self._takes_bare) if parts else None
        first_frames: list[Frame] = []
        if upload is not None:
            header, first_frames = {**header, **upload.header()}, upload.inline_frames()
        request = self._next_id()
        try:
            self._send({"op": op, "id": request, **header}, first_frames)
            last = self._until_done(request, upload, download, on_progress)
        except (ServerDied, CallTimeout):
            raise
        except BaseException as error:
            # Ctrl-C, or a progress listener that raised: the server need not go on for nobody.
            note_answer(error, self._cancelled(request))
            raise
        if last["type"] == "error":
            raise error_from(str(last["code"]), str(last["message"]))
        return last

    def _cancelled(self, request: int) -> Header | None:
        """Cancel a call and wait for its end: the server's answer to it, None if there is none.

        A second Ctrl-C gives up waiting. What would still come then comes to a closed connection.
        """
        answer = None
        try:
            if self.is_open():
                answer = self._answer_to_cancelled(request)
        except (KeyboardInterrupt, HnswError):
            pass
        finally:
            if answer is None:
                self.close()
        return answer

    def _answer_to_cancelled(self, request: int) -> Header | None:
        cancel = self._post("cancel", {"target": request})
        give_up_at = time.monotonic() + min(_CANCEL_WAIT_S, self._patience_s)
        while (left_s := give_up_at - time.monotonic()) > 0:
            message = self._transport.receive(left_s)
            if message is None:
                break
            header = decode_header(message[0])
            if header.get("id") == request and _is_end(header):
                return header
            if header.get("id") == cancel and header.get("found") is not True:
                break  # It had ended, and its answer was lost in the interruption.
        return None

    def _until_done(
        self,
        request: int,
        upload: Upload | None,
        download: Download[Any] | None,
        on_progress: ProgressListener | None,
    ) -> Header:
        while True:
            header, frames = self._wait_for(request)
            kind = header["type"]
            if kind in ("reply", "error"):
                return header
            if download is not None and kind == download.kind:
                download.place(header, frames)
                if download.done:
                    return header
                self._send({"op": "credit", "id": request, "credits": 1})
            elif kind == "credit" and upload is not None:
                for batch_header, batch in upload.next_batches(int(header["credits"])):
                    self._send({**batch_header, "id": request}, batch)
            elif kind == "progress" and on_progress is not None:
                _tell(on_progress, header)

    def _wait_for(self, request: int) -> tuple[Header, list[Frame]]:
        """The next message of this call. A server that stays silent is asked, then given up."""
        unanswered = 0
        while unanswered < _PINGS:
            message = self._transport.receive(self._patience_s / _PINGS)
            if message is None:
                unanswered += 1
                self._post("ping", {})
                continue
            unanswered = 0
            header = decode_header(message[0])
            if header.get("id") == request:
                return header, message[1:]
        raise CallTimeout(f"the server gave no sign of life for {self._patience_s:g} s")

    def _post(self, op: str, header: Header) -> int:
        request = self._next_id()
        self._send({"op": op, "id": request, **header})
        return request

    def _next_id(self) -> int:
        return next(self._ids) % _MAX_ID

    def _send(self, header: Header, frames: list[Frame] | None = None) -> None:
        self._transport.send([encode_header(header), *(frames or [])])


def _is_end(header: Header) -> bool:
    return header["type"] in ("reply", "error") or header.get("last") is True


def _tell(listener: ProgressListener, header: Header) -> None:
    left = header.get("seconds_left")
    seconds_left = float(left) if isinstance(left, (int, float)) else None
    listener(str(header["phase"]), int(header["done"]), int(header["total"]), seconds_left)


def _read_greeting(reply: Header) -> Greeting:
    try:
        return Greeting(
            session=str(reply["session"]),
            server=str(reply["server"]),
            threads=int(reply["threads"]),
            limits={str(k): int(v) for k, v in reply["limits"].items()},
            metrics=_metric_table(reply["metrics"]),
            features=frozenset(map(str, reply.get("features", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the server sent a greeting that cannot be read: {error!r}") from None


def _metric_table(metrics: list[dict[str, Any]]) -> dict[str, Metric]:
    table: dict[str, Metric] = {}
    for entry in metrics:
        metric = Metric(
            str(entry["name"]),
            tuple(entry.get("params", ())),
            bool(entry.get("angular", False)),
            tuple(entry.get("forms", ("dense",))),
            tuple(entry.get("quantizations", ())),
        )
        for name in (metric.name, *entry.get("aliases", ())):
            table[str(name)] = metric
    return table
