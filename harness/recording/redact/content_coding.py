"""Compressed bodies, opened: a secret can't be blotted inside of gzip.

The recorder asks for uncompressed responses; this is for servers that compress all the same, and for requests that a
client compresses.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol

from msgspec.structs import replace

from harness.errors import RecordingError
from harness.recording.wire import Chunk, Headers, WireRequest, WireResponse

#: The most that a body may become. What grows beyond it is a bomb, or nothing that a recording is for.
LARGEST = 256 * 2**20
#: How much is decoded at a time, so that a bomb is known before it has gone off: of a body, and of what it becomes; and
#: compressed bytes of which no decoder that gives all at once makes more than some megabytes.
_WINDOW = 16 * 1024
_STEP = 2**20
_SIP = 256

#: Files that stand one after the other: logs have a few, and some streams one for each event. Zeros after one are padding
#: (RFC 1952, 2.2).
_MOST_MEMBERS = 100_000
_PADDING = re.compile(rb"\0+")
#: What deflate makes at most of one byte (https://www.zlib.net/zlib_tech.html), and the codings that are one.
_DEFLATES_MOST = 1032
_DEFLATES = frozenset({"gzip", "x-gzip", "deflate"})
#: What stands before a chunk: the end of the one before, its length and signature; and how that may begin.
_CHUNK_LINE = re.compile(rb"(?:\r\n)?(?P<length>[0-9A-Fa-f]{1,16})(?:;[^\r\n]{0,1000})?\r\n")
_CHUNK_LINE_BEGINNING = re.compile(rb"\r|(?:\r\n)?(?:[0-9A-Fa-f]{1,16}(?:;[^\r\n]{0,1000})?\r?)?")


class Decoder(Protocol):
    """Undoes one coding, piece by piece."""

    @property
    def at_end(self) -> bool:
        """Whether all that was begun has ended."""

    def decode(self, piece: bytes, room: int) -> bytes:
        """Return what `piece` adds. Raises ValueError: it is not of this coding, or adds more than `room` bytes."""


def opened(response: WireResponse) -> WireResponse:
    """Return `response` with a plain body; one that is plain, whatever its headers say, is returned as it is.

    Each chunk becomes what a client could decode when it arrived, at the same time; `content-encoding` is dropped.

    Raises:
        RecordingError: the body can't be opened here, so nothing in it could be redacted.
    """
    pieces = [response.body[chunk.offset : chunk.offset + chunk.length] for chunk in response.chunks]
    plain = _plain(response.headers, response.body, pieces, "response")
    if plain is None:
        return response
    chunks: list[Chunk] = []
    offset = 0
    for chunk, piece in zip(response.chunks, plain, strict=True):
        if piece:
            chunks.append(Chunk(offset, len(piece), chunk.at_ms))
            offset += len(piece)
    body = b"".join(plain)
    headers = tuple(
        (name, str(len(body)) if name.lower() == "content-length" else value)
        for name, value in _without_coding(response.headers)
    )
    return replace(response, headers=headers, body=body, chunks=tuple(chunks))


def opened_if_possible(response: WireResponse) -> WireResponse:
    """Return `response` as `opened` does; what can't be opened here is returned as it is, for the client to complain of."""
    with suppress(RecordingError):
        return opened(response)
    return response


def opened_request(request: WireRequest) -> WireRequest:
    """Return `request` with a plain body and no `content-encoding`, as `opened` does for a response.

    Raises:
        RecordingError: the body can't be opened here, so nothing in it could be redacted.
    """
    plain = _plain(request.headers, request.body, [request.body], "request")
    if plain is None:
        return request
    return replace(request, headers=_without_coding(request.headers), body=b"".join(plain))


def is_bomb(headers: Headers, body: bytes) -> bool:
    """Whether a body becomes larger than `LARGEST` when its content codings are undone, told without keeping it."""
    codings = _codings(headers)
    if not codings or (codings[0] in _DEFLATES and len(codings) == 1 and len(body) * _DEFLATES_MOST <= LARGEST):
        return False
    try:
        for _ in _decoded(_decoders(codings), (body[at : at + _WINDOW] for at in range(0, len(body), _WINDOW))):
            pass
    except OverflowError:
        return True
    except (KeyError, ModuleNotFoundError, ValueError):
        # What can't be opened here can't go off here.
        pass
    return False


def gunzipped(content: bytes, room: int) -> bytes:
    """Return what is in a gzip file, all its members.

    Raises:
        OverflowError: it is more than `room` bytes.
        EOFError: it ends in the middle.
        ValueError: it is no gzip file.
    """
    decoder = _gzip()
    found = decoder.decode(content, room)
    if not decoder.at_end:
        raise EOFError
    return found


def _codings(headers: Headers) -> list[str]:
    value = ", ".join([value for name, value in headers if name.lower() == "content-encoding"])
    return [coding for each in value.split(",") if (coding := each.strip().lower()) not in ("", "identity")]


def _plain(headers: Headers, body: bytes, pieces: list[bytes], side: str) -> list[bytes] | None:
    """What each of `pieces` adds when decoded; None where there is nothing to decode."""
    codings = _codings(headers)
    if not codings or not body:
        return None
    encoded = f"a {side} body has the content encoding '{', '.join(codings)}'"
    try:
        decoders = _decoders(codings)
        plain = list(_decoded(decoders, pieces))
    except OverflowError:
        most = f"{LARGEST // 2**20} MiB"
        raise RecordingError(
            f"{encoded} and becomes larger than {most}, more than a recording takes; record without it"
        ) from None
    except KeyError:
        known = ", ".join(_DECODERS)
        problem = f", in which secrets can't be found; record with a client that uses only {known} or none"
    except ModuleNotFoundError as error:
        problem = f", and what opens it is not installed, so no secret in it could be found; install '{error.name}'"
    except ValueError:
        problem = " and can't be decoded as that, so no secret in it could be found"
    else:
        # Some plain texts are the beginning of a body that is encoded.
        return None if not all(decoder.at_end for decoder in decoders) and is_text(body) else plain
    if is_text(body):
        return None
    raise RecordingError(f"{encoded}{problem}")


def _decoders(codings: list[str]) -> list[Decoder]:
    # The coding that was applied last is undone first.
    return [_DECODERS[coding]() for coding in reversed(codings)]


def _decoded(decoders: list[Decoder], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what each piece adds. Raises OverflowError where that is too much."""
    room = LARGEST
    for encoded in pieces:
        piece = encoded
        for decoder in decoders:
            piece = decoder.decode(piece, room)
        room -= len(piece)
        yield piece


class _Members:
    """A coding of files that may stand one after the other, as clients read them: gzip, zstd, and deflate."""

    def __init__(self, begin: Callable[[bytes], Any], failure: type[Exception] = zlib.error) -> None:
        #: Makes what opens one file, by how it begins.
        self._begin = begin
        self._failure = failure
        self._stream: Any = None
        self._members = 0

    @property
    def at_end(self) -> bool:
        return self._stream is None

    def decode(self, piece: bytes, room: int) -> bytes:
        found = bytearray()
        position = 0
        while position < len(piece):
            if self._stream is None:
                if self._members and (padding := _PADDING.match(piece, position)) is not None:
                    position = padding.end()
                    continue
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise OverflowError
                self._stream = self._begin(piece[position : position + 2])
            sip = piece[position : position + _SIP]
            try:
                found += self._stream.decompress(sip)
            except self._failure as error:
                raise ValueError(str(error)) from None
            if len(found) > room:
                raise OverflowError
            position += len(sip)
            if self._stream.eof:
                position -= len(self._stream.unused_data)
                self._stream = None
        return bytes(found)


def _inflating(start: bytes) -> Any:
    """Deflate with zlib's frame, of method 8 and two bytes that are a multiple of 31 (RFC 1950, 2.2), or without."""
    is_framed = start[0] & 0x0F == 8 and (len(start) < 2 or int.from_bytes(start, "big") % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS)


def _gzip() -> Decoder:
    return _Members(lambda start: zlib.decompressobj(16 + zlib.MAX_WBITS))


def _zstd() -> Decoder:
    module: Any = import_module("zstandard")
    return _Members(lambda start: module.ZstdDecompressor().decompressobj(), module.ZstdError)


class _AwsChunked:
    """What S3's uploads are framed by: chunks with their lengths and signatures, then trailers, which are passed over.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, read 2026-11.
    """

    def __init__(self) -> None:
        self._waiting = b""
        #: How much of a chunk is still to come.
        self._left = 0
        self.at_end = False

    def decode(self, piece: bytes, room: int) -> bytes:
        waiting, position = self._waiting + piece, 0
        found: list[bytes] = []
        while position < len(waiting) and not self.at_end:
            if self._left:
                found.append(waiting[position : position + self._left])
                position += len(found[-1])
                self._left -= len(found[-1])
                continue
            line = _CHUNK_LINE.match(waiting, position)
            if line is None:
                if _CHUNK_LINE_BEGINNING.fullmatch(waiting, position) is None:
                    raise ValueError("a chunk without a length")
                break
            self._left, position = int(line["length"], 16), line.end()
            self.at_end = not self._left
        self._waiting = waiting[position:]
        if sum(map(len, found)) > room:
            raise OverflowError
        return b"".join(found)


class _Brotli:
    def __init__(self) -> None:
        self._module: Any = import_module("brotli")
        self._stream = self._module.Decompressor()

    @property
    def at_end(self) -> bool:
        return bool(self._stream.is_finished())

    def decode(self, piece: bytes, room: int) -> bytes:
        found = bytearray()
        try:
            found += self._stream.process(piece, output_buffer_limit=_STEP)
            while not self._stream.can_accept_more_data() and len(found) <= room:
                found += self._stream.process(b"", output_buffer_limit=_STEP)
        except self._module.error as error:
            raise ValueError(str(error)) from None
        if len(found) > room:
            raise OverflowError
        return bytes(found)


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": lambda: _Members(_inflating),
    "br": _Brotli,
    "zstd": _zstd,
    "aws-chunked": _AwsChunked,
}


def _without_coding(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0].lower() != "content-encoding")


def is_text(body: bytes) -> bool:
    """Whether a body is UTF-8."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
