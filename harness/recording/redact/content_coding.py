"""Compressed bodies, opened: a secret can't be blotted inside of gzip.

The recorder asks for uncompressed responses; this is for servers that compress all the same, and for requests that a
client compresses.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol

from msgspec.structs import replace

from harness.errors import RecordingError
from harness.recording.wire import Chunk, Headers, WireRequest, WireResponse

#: The most that a body may become. What grows beyond it is a bomb, or nothing that a recording is for.
LARGEST = 256 * 2**20
#: How much is decoded at a time, so that a bomb is known before it has gone off.
_STEP = 2**20

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
#: How much of a body is decoded at a time.
_WINDOW = 16 * 1024
#: gzip files that stand one after the other: logs have a few.
_MOST_MEMBERS = 10_000
#: What deflate makes at most of one byte (https://www.zlib.net/zlib_tech.html), and the codings that are one.
_DEFLATES_MOST = 1032
_DEFLATES = frozenset({"gzip", "x-gzip", "deflate"})
#: What stands before a chunk: the end of the one before, its length and signature; and how that may begin.
_CHUNK_LINE = re.compile(rb"(?:\r\n)?(?P<length>[0-9A-Fa-f]{1,16})(?:;[^\r\n]{0,1000})?\r\n")
_CHUNK_LINE_BEGINNING = re.compile(rb"\r|(?:\r\n)?(?:[0-9A-Fa-f]{1,16}(?:;[^\r\n]{0,1000})?\r?)?")
#: Compressed bytes of which no decoder that gives all at once makes more than some megabytes.
_SIP = 256


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
    if not body or any(coding not in _DECODERS for coding in codings):
        return False
    try:
        decoders = [_DECODERS[coding]() for coding in reversed(codings)]
        room = LARGEST
        for start in range(0, len(body), _WINDOW):
            room -= len(_through(decoders, body[start : start + _WINDOW], room))
    except OverflowError:
        return True
    except (ModuleNotFoundError, ValueError):
        # What can't be opened here can't go off here.
        return False
    return False


def gunzipped(content: bytes, room: int) -> bytes:
    """Return what is in a gzip file, all its members.

    Raises:
        OverflowError: it is more than `room` bytes.
        EOFError: it ends in the middle.
        ValueError: it is no gzip file.
    """
    decoder = _Zlib(_GZIP)
    found = decoder.decode(content, room)
    if not decoder.at_end:
        raise EOFError
    return found


def _codings(headers: Headers) -> list[str]:
    value = ", ".join([value for name, value in headers if name.lower() == "content-encoding"])
    return [coding for each in value.split(",") if (coding := each.strip().lower()) not in ("", "identity")]


def _plain(headers: Headers, body: bytes, pieces: list[bytes], side: str) -> list[bytes] | None:
    """What each of `pieces` adds when decoded; None where there is nothing to decode."""
    value = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    codings = _codings(headers)
    if not codings or not body:
        return None
    if any(coding not in _DECODERS for coding in codings):
        if _is_text(body):
            return None
        raise RecordingError(
            f"a {side} body has the content encoding '{value}', in which secrets can't be found; record with a client "
            f"that uses only {', '.join(_DECODERS)} or none"
        )
    try:
        # The coding that was applied last is undone first.
        decoders = [_DECODERS[coding]() for coding in reversed(codings)]
        plain = list(_decoded(decoders, pieces))
    except ModuleNotFoundError as error:
        if _is_text(body):
            return None
        raise RecordingError(
            f"a {side} body has the content encoding '{value}', and what opens it is not installed, so no secret in it "
            f"could be found; install '{error.name}'"
        ) from None
    except OverflowError:
        raise RecordingError(
            f"a {side} body with the content encoding '{value}' becomes larger than {LARGEST // 2**20} MiB, more than "
            "a recording takes; record without it"
        ) from None
    except ValueError:
        if _is_text(body):
            return None
        raise RecordingError(
            f"a {side} body can't be decoded as its content encoding '{value}', so no secret in it could be found"
        ) from None
    # Some plain texts are the beginning of a body that is encoded.
    return None if not all(decoder.at_end for decoder in decoders) and _is_text(body) else plain


def _decoded(decoders: list[Decoder], pieces: list[bytes]) -> list[bytes]:
    plain: list[bytes] = []
    room = LARGEST
    for piece in pieces:
        plain.append(_through(decoders, piece, room))
        room -= len(plain[-1])
    return plain


def _through(decoders: list[Decoder], piece: bytes, room: int) -> bytes:
    for decoder in decoders:
        piece = decoder.decode(piece, room)
    return piece


class _Zlib:
    """gzip, of any number of members, and deflate, with its frame and without, as clients read them."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._stream: Any = None
        self._members = 0

    @property
    def at_end(self) -> bool:
        return self._stream is None

    def decode(self, piece: bytes, room: int) -> bytes:
        found = bytearray()
        # What a member leaves is copied: of a part of the piece, lest many small members take quadratic time.
        for start in range(0, len(piece), _WINDOW):
            self._decode(piece[start : start + _WINDOW], found, room)
        return bytes(found)

    def _decode(self, piece: bytes, found: bytearray, room: int) -> None:
        while piece:
            if self._stream is None:
                # Zeros after a member are padding (RFC 1952, 2.2).
                piece = piece.lstrip(b"\0") if self._members else piece
                if not piece:
                    break
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise OverflowError
                self._stream = zlib.decompressobj(self._window(piece))
            try:
                found += self._stream.decompress(piece, _STEP)
            except zlib.error as error:
                raise ValueError(str(error)) from None
            if len(found) > room:
                raise OverflowError
            if self._stream.eof:
                piece, self._stream = self._stream.unused_data, None
            else:
                piece = self._stream.unconsumed_tail

    def _window(self, piece: bytes) -> int:
        return _RAW if self._bits == _ZLIB and not _is_framed(piece) else self._bits


def _is_framed(piece: bytes) -> bool:
    """Whether a deflate body has zlib's frame: method 8, and two bytes that are a multiple of 31 (RFC 1950, 2.2)."""
    return piece[0] & 0x0F == 8 and (len(piece) < 2 or int.from_bytes(piece[:2], "big") % 31 == 0)


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


class _Zstd:
    def __init__(self) -> None:
        self._module: Any = import_module("zstandard")
        self._stream: Any = None

    @property
    def at_end(self) -> bool:
        return self._stream is None

    def decode(self, piece: bytes, room: int) -> bytes:
        found = bytearray()
        position = 0
        while position < len(piece):
            if self._stream is None:
                self._stream = self._module.ZstdDecompressor().decompressobj()
            sip = piece[position : position + _SIP]
            try:
                found += self._stream.decompress(sip)
            except self._module.ZstdError as error:
                raise ValueError(str(error)) from None
            if len(found) > room:
                raise OverflowError
            position += len(sip)
            if self._stream.eof:
                # Another frame may follow (RFC 8878, 3).
                position -= len(self._stream.unused_data)
                self._stream = None
        return bytes(found)


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(_GZIP),
    "x-gzip": lambda: _Zlib(_GZIP),
    "deflate": lambda: _Zlib(_ZLIB),
    "br": _Brotli,
    "zstd": _Zstd,
    "aws-chunked": _AwsChunked,
}


def _without_coding(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0].lower() != "content-encoding")


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
