"""Bodies that are not in the service's form, as gateways send them, taken up before botocore's parser loses what they say."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

from harness.providers.shared.content import ContentDecoder, decoder_of, in_utf8
from harness.providers.shared.failure import failure_in

_REQUEST_ID: Final = "x-amzn-requestid"
#: What each message of an event stream begins with: its length, that of its headers, and the checksum of both.
_PRELUDE: Final = 12
#: The highest first byte that the length of a message may have.
_HIGHEST: Final = 1
#: How many bytes are kept of a body that is no event stream.
_KEPT: Final = 65_536


class ForeignBodyError(Exception):
    """A response with status 200 whose body is no answer of the service."""

    def __init__(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Keep what was sent; `headers` where those of the response have not been told."""
        super().__init__(body[:200])
        self.body = body
        named = {"RequestId": headers[_REQUEST_ID]} if headers and _REQUEST_ID in headers else {}
        #: As botocore's metadata of responses have it.
        self.headers = None if headers is None else named


def take_foreign(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Handle botocore's event `before-parse`: a refusal gets the form that is parsed, a stream is looked at as it comes.

    Raises ForeignBodyError where the service says that all is well, and what it sent is no answer.
    """
    status, body, headers = response_dict["status_code"], response_dict["body"], response_dict["headers"]
    decoder = decoder_of(headers.get("content-encoding"))
    if isinstance(body, bytes):
        # Nothing below takes off what a gateway packs it in.
        body = response_dict["body"] = b"".join(decoder.decoded([body]))
    if status >= 300:
        if isinstance(body, bytes) and not _is_parsed(body):
            charset = re.search(r"charset=\"?([\w-]+)", headers.get("content-type", ""))
            message = failure_in(in_utf8(body, charset and charset[1])).message
            response_dict["body"] = json.dumps({"message": message or ""}).encode()
        return
    if not isinstance(body, bytes):
        if operation_model.has_event_stream_output:
            response_dict["body"] = _LookedAt(body, decoder)
        return
    # In InvokeModel each model has a form of its own.
    if operation_model.name.startswith("Converse") and b'"output"' not in body:
        raise ForeignBodyError(body, headers)


def _is_parsed(body: bytes) -> bool:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(sent, dict) and any(isinstance(sent.get(name), str) for name in ("message", "Message"))


class _LookedAt:
    """The body of an event stream that is read through; where a message is to begin and none does, it is foreign."""

    def __init__(self, body: Any, decoder: ContentDecoder) -> None:
        self._body, self._decoder = body, decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    @property
    def content(self) -> _LookedAt:
        """What aiohttp reads a body by."""
        return _LookedAt(self._body.content, self._decoder)

    def stream(self, *args: Any, **options: Any) -> Iterator[bytes]:
        """Yield the pieces of a body of urllib3. Raises ForeignBodyError."""
        messages = _Messages()
        for piece in self._decoder.decoded(self._body.stream(*args, **options)):
            if own := messages.take(piece):
                yield own
        messages.end()

    async def iter_chunks(self, *args: Any, **options: Any) -> AsyncIterator[tuple[bytes, bool]]:
        messages = _Messages()
        pieces = (piece async for piece, _ in self._body.iter_chunks(*args, **options))
        async for piece in self._decoder.adecoded(pieces):
            if own := messages.take(piece):
                yield own, True
        messages.end()


class _Messages:
    """Follows the messages of an event stream by the lengths that they begin with."""

    def __init__(self) -> None:
        self._left = 0
        self._prelude = b""
        self._foreign: bytearray | None = None

    def take(self, piece: bytes) -> bytes:
        """Return as much of a piece as belongs to messages. Raises ForeignBodyError once enough has come of what does not."""
        if self._foreign is not None:
            self._keep(piece)
            return b""
        place = 0
        while place < len(piece):
            if self._left:
                step = min(self._left, len(piece) - place)
                self._left -= step
                place += step
                continue
            begun, missing = place, _PRELUDE - len(self._prelude)
            self._prelude += piece[begun : begun + missing]
            place += missing
            if len(self._prelude) < _PRELUDE:
                break
            length, checksum = (int.from_bytes(self._prelude[at : at + 4], "big") for at in (0, 8))
            if zlib.crc32(self._prelude[:8]) != checksum:
                self._foreign = bytearray()
                self._keep(self._prelude + piece[place:])
                return piece[:begun]
            self._left, self._prelude = max(length - _PRELUDE, 0), b""
        return piece

    def _keep(self, piece: bytes) -> None:
        assert self._foreign is not None
        self._foreign += piece
        if len(self._foreign) > _KEPT:
            raise ForeignBodyError(bytes(self._foreign))

    def end(self) -> None:
        """Take the end of the body. Raises ForeignBodyError where what came last is of no message."""
        if self._foreign is not None:
            raise ForeignBodyError(bytes(self._foreign))
        if self._prelude and self._prelude[0] > _HIGHEST:
            raise ForeignBodyError(self._prelude)
