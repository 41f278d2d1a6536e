"""What recordings call the ways in which a request fails, whichever library ran into them.

The names are httpx's, which divides failures by what happened on the wire. Another library's own error stands behind:
`ReadTimeout: ReadTimeoutError: Read timed out.` So any library can raise what another one recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar, cast, get_args

from msgspec import Struct

from harness.recording.tape.playback import error_name
from harness.recording.wire import How, WireResponse

#: `ConnectError`: no connection, name resolution and TLS included. `RemoteProtocolError`: the server closed too early,
#: or sent what is not HTTP. `ReadError`: the connection broke.
FailureKind = Literal["ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError"]

#: httpx's finer names, by the one among ours that libraries have a class for.
_ALSO: dict[str, FailureKind] = {
    "CloseError": "ReadError",
    "LocalProtocolError": "RemoteProtocolError",
    "PoolTimeout": "ConnectTimeout",
    "ProxyError": "ConnectError",
    "WriteError": "ReadError",
    "WriteTimeout": "ReadTimeout",
}
#: What an ending is taken for that names no error we know.
_BY_ENDING: dict[How, FailureKind] = {
    "cut": "RemoteProtocolError",
    "reset": "ReadError",
    "error": "ReadError",
    "no-response": "ConnectError",
}


class RecordedFailure(Struct, frozen=True):
    """A recorded failure."""

    kind: FailureKind
    #: The class of the library that recorded it, where that is not the failure's own name, else empty.
    raised_as: str
    #: The text of the error; empty where none was recorded.
    text: str


E = TypeVar("E", bound=BaseException)


def mark_recorded(error: E) -> E:
    """Return an error that is raised in place of a recorded failure, with a note that says so."""
    error.add_note("this failure is the recording's: it is played from the tape, and nothing was sent just now")
    return error


def system_error(number: int, text: str) -> OSError:
    """Return the operating system's error that was recorded as this text, of the class that its number has."""
    return OSError(number, text.removeprefix(f"[Errno {number}] "))


def described(kind: FailureKind, error: BaseException) -> str:
    """Return how `error`, of a library other than httpx, is recorded."""
    return f"{kind}: {type(error).__name__}: {error}"


def ending_before_response(
    error: BaseException, kinds: Iterable[tuple[type[Exception], FailureKind]], otherwise: FailureKind
) -> tuple[How, str | None]:
    """Return how a response ended before it began, by the first of a library's classes that `error` is of."""
    if not isinstance(error, Exception):
        return "cancelled", None
    return "no-response", described(next((kind for of, kind in kinds if isinstance(error, of)), otherwise), error)


def recorded_failure(response: WireResponse) -> RecordedFailure:
    """Return the failure with which `response` ended. Not for one that is complete or was cancelled."""
    name, text = error_name(response)
    known = name in get_args(FailureKind) or name in _ALSO
    kind = _ALSO.get(name, cast(FailureKind, name)) if known else _BY_ENDING[response.ended.how]
    raised_as, _, rest = text.partition(": ")
    if known and raised_as.isidentifier():
        return RecordedFailure(kind, raised_as, rest)
    return RecordedFailure(kind, "", text)
