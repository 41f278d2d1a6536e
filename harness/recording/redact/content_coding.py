"""Compressed responses, opened: a secret can't be blotted inside of gzip.

The recorder asks for uncompressed bodies; this is for servers that compress all the same.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

from harness.errors import RecordingError
from harness.recording.wire import Chunk, WireResponse

#: Lets zlib tell gzip from deflate by itself.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def opened(response: WireResponse) -> WireResponse:
    """Return `response` with a plain body; one that is plain, whatever its headers say, is returned as it is.

    Each chunk becomes what a client could decode when it arrived, at the same time; `content-encoding` is dropped.

    Raises:
        RecordingError: the coding is not one that can be opened here, so nothing could be redacted.
    """
    coding = (response.header("content-encoding") or "identity").strip().lower()
    if coding == "identity" or not response.body:
        return response
    if coding not in ("gzip", "x-gzip", "deflate"):
        if _is_text(response.body):
            return response
        raise RecordingError(
            f"a response body has the content encoding '{coding}', in which secrets can't be found; "
            "record with a client that accepts only 'identity' or 'gzip'"
        )
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    body = b""
    chunks: list[Chunk] = []
    try:
        for chunk in response.chunks:
            piece = decoder.decompress(response.body[chunk.offset : chunk.offset + chunk.length])
            if piece:
                chunks.append(Chunk(len(body), len(piece), chunk.at_ms))
                body += piece
    except zlib.error:
        if _is_text(response.body):
            return response
        raise RecordingError(
            f"a response body can't be decoded as its content encoding '{coding}', so no secret in it could be found"
        ) from None
    headers = tuple(header for header in response.headers if header[0].lower() != "content-encoding")
    return replace(response, headers=headers, body=body, chunks=tuple(chunks))


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
