"""What went over the wire: a request, the pieces of its response, and how the response ended.

Values only: a transport fills them while recording, a tape hands them out while playing, and a cassette file holds
nothing else. Every time is in milliseconds since the request was sent.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: Header fields in the order in which they were sent; a name may come twice.
Headers = tuple[tuple[str, str], ...]

#: How a response ended.
#: `complete`: by its framing, or its end marker was seen. `cut`: the server closed before the end.
#: `reset`: the connection broke. `error`: anything else that the client ran into, such as a read timeout.
#: `cancelled`: the client stopped reading. `no-response`: the request failed before a status line came.
How = Literal["complete", "cut", "reset", "error", "cancelled", "no-response"]


def header_of(headers: Headers, name: str) -> str | None:
    """Return the first value of header `name`, whatever its case, or None."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


class WireRequest(Struct, frozen=True):
    """One request as the client made it, to the URL it asked for."""

    method: str
    url: str
    headers: Headers
    body: bytes


class Chunk(Struct, frozen=True, gc=False):
    """One piece of a response body as it arrived: `body[offset : offset + length]`."""

    offset: int
    length: int
    at_ms: float


class Ending(Struct, frozen=True):
    """How a response ended, and when."""

    how: How
    #: `ClassName: text` of the error that the client's library raised, or None.
    error: str | None
    at_ms: float


class WireResponse(Struct, frozen=True):
    """One response. `status` is 0 where none came; the chunks cover the body without gap or overlap."""

    status: int
    reason: str
    headers: Headers
    #: The bytes of the wire after transfer decoding, before any content decoding.
    body: bytes
    chunks: tuple[Chunk, ...]
    ended: Ending
    #: The names of the scopes, outermost first, from which the request was made; empty where unknown.
    scope: tuple[str, ...]

    def header(self, name: str) -> str | None:
        """Return the first value of header `name`, whatever its case, or None."""
        return header_of(self.headers, name)


class Interaction(Struct, frozen=True):
    """A request with its response."""

    request: WireRequest
    response: WireResponse
