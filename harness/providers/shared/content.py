"""What the heads of responses say of their content that is not so: an encoding that it has not, or hides; a charset.

Proxies unpack bodies and leave the head as it was, and a server that fails writes its page in whatever charset it has. What
it says of its failure is read all the same.
"""

from __future__ import annotations

import contextlib
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

#: How many bytes show whether a body is text.
_SAMPLE: Final = 16
_CONTROLS: Final = frozenset(range(32)) - {0x09, 0x0A, 0x0D}
_GZIP: Final = b"\x1f\x8b"
#: With it, zlib takes gzip and its own format.
_ANY_HEADER: Final = zlib.MAX_WBITS | 32

#: What makes pieces of a piece: one, or several.
Decode = Callable[[bytes], bytes | Iterable[bytes]]
Flush = Callable[[], bytes | Iterable[bytes]]


class ContentDecoder:
    """Decodes a body piece by piece, in the form of httpx2's decoders; text stays as it is, whatever is said of it."""

    def __init__(self, encoding: str, decode: Decode, flush: Flush) -> None:
        """Keep how to decode what is in `encoding`, as the head says; empty where it says none."""
        self._encoding, self._decode, self._flush = encoding, decode, flush
        self._sample = _SAMPLE if encoding else len(_GZIP)
        self._first: bytes | None = b""

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._first is not None:
            self._first += data
            if len(self._first) < self._sample:
                return
            data = self._begun(self._first)
        yield from _pieces(self._decode(data))

    def flush(self) -> Iterator[bytes]:
        if self._first:
            yield from _pieces(self._decode(self._begun(self._first)))
        yield from _pieces(self._flush())

    def _begun(self, first: bytes) -> bytes:
        self._first = None
        if self._encoding and _is_text(first[:_SAMPLE]):
            self._decode, self._flush = bytes, bytes
        elif not self._encoding and first.startswith(_GZIP):
            self._decode = _unpacking()
        return first

    def decoded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield from self.decode(piece)
        yield from self.flush()

    async def adecoded(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            for made in self.decode(piece):
                yield made
        for made in self.flush():
            yield made


class JoinedDecoder(ContentDecoder):
    """The same in the form of httpx's decoders."""

    def decode(self, data: bytes) -> bytes:  # type: ignore[override]
        return b"".join(super().decode(data))

    def flush(self) -> bytes:  # type: ignore[override]
        return b"".join(super().flush())


def decoder_of(encoding: str | None) -> ContentDecoder:
    """Return what decodes a body of which nobody has taken off the encoding that its head says."""
    match (encoding or "").strip().lower():
        case "gzip" | "x-gzip" | "deflate":
            return ContentDecoder("gzip", _unpacking(), bytes)
        case "br" if find_spec("brotli") is not None:
            brotli = import_module("brotli")
            return ContentDecoder("br", _lenient(brotli.Decompressor().process, brotli.error), bytes)
        case _:
            return ContentDecoder("", bytes, bytes)


def _unpacking() -> Decode:
    return _lenient(zlib.decompressobj(_ANY_HEADER).decompress, zlib.error)


def _lenient(decode: Callable[[bytes], bytes], error: type[Exception]) -> Decode:
    """Return what decodes, and gives back what can't be: whoever reads it then finds that it is no answer."""

    def decoded(piece: bytes) -> bytes:
        try:
            return decode(piece)
        except error:
            return piece

    return decoded


def _pieces(made: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return (made,) if isinstance(made, bytes) else made


def _is_text(sample: bytes) -> bool:
    """Whether bytes begin a text; nothing that is encoded begins so."""
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        # A sample may end inside a character.
        if error.end < len(sample):
            return False
    return _CONTROLS.isdisjoint(sample)


def in_utf8(content: bytes, charset: str | None) -> bytes:
    """Return a text in UTF-8: as it is where it is that already, whatever its head says."""
    charset = charset or "utf-8"
    # With a zero byte it is UTF-8 only where its head says so.
    for named in (charset,) if b"\0" in content else ("utf-8", charset):
        with contextlib.suppress(LookupError, UnicodeError):
            return content.decode(named).encode()
    return content.decode("utf-8", "replace").encode()


def read_as_sent(client: Any) -> None:
    """Have a client of httpx or httpx2 read what was sent, whatever the heads of responses say of it."""

    def take(response: Any) -> None:
        _set_decoder(response)
        if response.status_code >= 400:
            response.read()
            _set_text(response)

    async def atake(response: Any) -> None:
        _set_decoder(response)
        if response.status_code >= 400:
            await response.aread()
            _set_text(response)

    client.event_hooks["response"].append(atake if hasattr(client, "aclose") else take)


def _set_decoder(response: Any) -> None:
    # Neither library has a public way to a response's decoder, so it is set in place.
    known = response._get_content_decoder()
    # The first versions of httpx2 have decoders in httpx's form.
    plain = sys.modules[type(known).__module__].IdentityDecoder()
    kind = JoinedDecoder if isinstance(plain.decode(b""), bytes) else ContentDecoder
    response._decoder = kind(response.headers.get("content-encoding", ""), known.decode, known.flush)


def _set_text(response: Any) -> None:
    response._content = in_utf8(response.content, response.charset_encoding)
    response.encoding = "utf-8"
