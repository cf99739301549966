"""Errors: one class per stable code, each also the builtin that Python callers expect.

The codes are the same strings in Rust, TypeScript and on the wire. A caller may catch the builtin
(`ValueError`), the family (`HnswError`) or read `error.code`; nobody has to parse a message.
Nothing enters here that talks to a server.
"""

from __future__ import annotations

from typing import Any


class HnswError(Exception):
    """Base of every error this package raises on purpose.

    Attributes
    ----------
    code : str
        The stable code, for instance ``"ERR_DIMENSION_MISMATCH"``.
    """

    code: str = "ERR_INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return str(self.args[0]) if self.args else ""


class InvalidArgument(HnswError, ValueError):
    """A value that no call accepts: the message names it and what is allowed."""

    code = "ERR_INVALID_ARGUMENT"


class DimensionMismatch(HnswError, ValueError):
    """Rows of another width than those of the index."""

    code = "ERR_DIMENSION_MISMATCH"


class NonFinite(HnswError, ValueError):
    """NaN, an infinity, or a float64 that float32 cannot hold."""

    code = "ERR_NON_FINITE"


class UnknownMetric(HnswError, ValueError):
    """A metric name that the engine does not know."""

    code = "ERR_UNKNOWN_METRIC"


class EmptyIndex(HnswError, ValueError):
    """An index of no rows was asked for."""

    code = "ERR_EMPTY_INDEX"


class UnknownId(HnswError, KeyError):
    """A row id that the index does not hold."""

    code = "ERR_UNKNOWN_ID"


class OutOfMemory(HnswError, MemoryError):
    """The engine could not get the memory for this call; it lives on."""

    code = "ERR_OUT_OF_MEMORY"


class Cancelled(HnswError):
    """The call was cancelled before it finished."""

    code = "ERR_CANCELLED"


class CallTimeout(HnswError, TimeoutError):
    """The server gave no sign of life for too long."""

    code = "ERR_TIMEOUT"


class Closed(HnswError, ConnectionError):
    """The index or the session was closed."""

    code = "ERR_CLOSED"


class ServerDied(HnswError, ConnectionError):
    """The server went away during a call. The next call starts another, and sends the rows."""

    code = "ERR_SERVER_DIED"


class EngineUnavailable(ServerDied):
    """No server could be found, started or reached."""


class Unauthorized(HnswError, ConnectionError):
    """The server refused the token."""

    code = "ERR_UNAUTHORIZED"


class ProtocolError(HnswError, ConnectionError):
    """The two sides do not speak the same protocol."""

    code = "ERR_PROTOCOL"


class CorruptFile(HnswError, ValueError):
    """Stored bytes that fail their checks."""

    code = "ERR_CORRUPT_FILE"


class FileError(HnswError, OSError):
    """The system could not read or write a file."""

    code = "ERR_FILE"


class UnsupportedVersion(HnswError, ValueError):
    """Stored bytes of a version that this release does not read."""

    code = "ERR_UNSUPPORTED_VERSION"


class InternalError(HnswError):
    """A defect of the engine: please report it with its message."""

    code = "ERR_INTERNAL"


BY_CODE: dict[str, type[HnswError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        DimensionMismatch,
        NonFinite,
        UnknownMetric,
        EmptyIndex,
        UnknownId,
        OutOfMemory,
        Cancelled,
        CallTimeout,
        Closed,
        ServerDied,
        Unauthorized,
        ProtocolError,
        CorruptFile,
        FileError,
        UnsupportedVersion,
        InternalError,
    )
}


def error_from(code: str, message: str) -> HnswError:
    """The exception for an error message of the server; an unknown code keeps its own string."""
    cls = BY_CODE.get(code)
    if cls is not None:
        return cls(message)
    error = HnswError(message)
    error.code = code
    return error


def note_answer(error: BaseException, answer: dict[str, Any] | None) -> None:
    """Keep with `error`, which broke a call off, how the server ended that call."""
    error.__dict__[_ANSWER] = answer


def answer_of(error: BaseException) -> dict[str, Any] | None:
    """How the server ended the call that `error` broke off: its last message; None if unknown."""
    answer: dict[str, Any] | None = error.__dict__.get(_ANSWER)
    return answer


_ANSWER = "_hnsw_bridge_answer"


class FallbackWarning(UserWarning):
    """This engine was asked for by name, and PyNNDescent answers instead; the message says why."""
