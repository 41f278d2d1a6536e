"""Compressed bodies are opened before they are searched, in requests and in responses, and no bomb goes off."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from harness.errors import RecordingError
from harness.recording.redact import content_coding
from harness.recording.redact.leaks import leaks_in_interaction
from harness.recording.redact.redaction import Redactor
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.redact.planted_secrets import BY_FORM

REDACTOR = Redactor()
KEY = next(planted for planted in BY_FORM if planted.id == "openai-project")
PLAIN = json.dumps({"a": [f"{KEY.value} {number}" for number in range(200)]}).encode()
CLEAN = PLAIN.replace(KEY.core.encode(), b"*" * len(KEY.core))


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(body)


def _aws_chunked(body: bytes) -> bytes:
    """The body as S3 is sent it over TLS, in chunks that are cut anywhere, with a trailer."""
    cuts = [0, 1, len(body) // 2, len(body)]
    pieces = [body[start:stop] for start, stop in itertools.pairwise(cuts)]
    framed = b"".join(b"%x;chunk-signature=%b\r\n%b\r\n" % (len(piece), b"0f" * 32, piece) for piece in pieces)
    return framed + b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": ("gzip", lambda body: gzip.compress(body[:99]) + gzip.compress(body[99:])),
    "gzip with padding": ("gzip", lambda body: gzip.compress(body) + bytes(20)),
    "x-gzip": ("X-GZip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", _zstd),
    "zstd of two frames": ("zstd", lambda body: _zstd(body[:99]) + _zstd(body[99:])),
    "gzip twice": ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    "gzip, then br": ("gzip, br", lambda body: brotli.compress(gzip.compress(body))),
    "identity, then gzip": ("identity, gzip", gzip.compress),
    "an upload to S3": ("aws-chunked", _aws_chunked),
    "a compressed upload to S3": ("gzip,aws-chunked", lambda body: _aws_chunked(gzip.compress(body))),
}
by_coding = pytest.mark.parametrize(("coding", "pack"), CODINGS.values(), ids=CODINGS)


def request(body: bytes, coding: str) -> WireRequest:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
    return WireRequest("POST", "https://example.com/v1", headers, body)


def response(body: bytes, coding: str, size: int) -> WireResponse:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
    chunks = tuple(Chunk(at, min(size, len(body) - at), float(at)) for at in range(0, len(body), size))
    return WireResponse(200, "OK", headers, body, chunks, Ending("complete", None, 9.0), ())


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_each_event_of_a_stream_may_be_compressed_by_itself(pack: Callable[[bytes], bytes]) -> None:
    coding = "zstd" if pack is _zstd else "gzip"
    packed = request(pack(b"x") * 20_000 + pack(PLAIN), coding)
    assert content_coding.opened_request(packed).body == b"x" * 20_000 + PLAIN
    assert not content_coding.is_bomb(packed.headers, packed.body)


@by_coding
def test_a_compressed_request_is_recorded_open_and_equal_to_a_plain_one(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    kept = REDACTOR.request(request(pack(PLAIN), coding))
    assert kept.body == REDACTOR.request(request(PLAIN, "identity")).body
    assert kept.body == CLEAN
    assert [name for name, _ in kept.headers] == ["Content-Type"]


@by_coding
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_compressed_response_is_opened_chunk_by_chunk(coding: str, pack: Callable[[bytes], bytes], size: int) -> None:
    packed = response(pack(PLAIN), coding, size)
    kept = REDACTOR.response(packed)
    assert kept.body == CLEAN
    assert kept.header("content-encoding") is None
    ends = itertools.accumulate((chunk.length for chunk in kept.chunks), initial=0)
    assert [*(chunk.offset for chunk in kept.chunks), len(CLEAN)] == [*ends]
    times = [chunk.at_ms for chunk in kept.chunks]
    assert times == sorted({*times} & {chunk.at_ms for chunk in packed.chunks}), "each came when it came"


@by_coding
def test_the_scan_looks_into_compressed_bodies(coding: str, pack: Callable[[bytes], bytes]) -> None:
    asked, answered = request(pack(PLAIN), coding), response(pack(PLAIN), coding, 100)
    assert {hit.where for hit in leaks_in_interaction(Interaction(asked, answered))} == {
        "request.body: a",
        "response.body: a",
    }
    asked, answered = request(pack(CLEAN), coding), response(pack(CLEAN), coding, 100)
    assert list(leaks_in_interaction(Interaction(asked, answered))) == []


@pytest.mark.parametrize("coding", ["br", "gzip", "deflate", "zstd", "compress", "gzip, br", "aws-chunked"])
def test_what_cannot_be_opened_is_refused_with_its_coding(coding: str) -> None:
    for refused in (lambda: REDACTOR.request(request(b"\xff\xfe\0\1", coding)), lambda: REDACTOR.response(response(b"\xff\xfe\0\1", coding, 9))):  # fmt: skip
        with pytest.raises(RecordingError, match=f"content encoding '{coding}'"):
            refused()


@pytest.mark.parametrize("coding", ["br", "gzip", "zstd", "unheard-of"])
def test_plain_text_under_a_coding_that_it_has_not_is_searched_as_it_is(coding: str) -> None:
    assert REDACTOR.request(request(PLAIN, coding)).body == CLEAN
    assert REDACTOR.response(response(PLAIN, coding, 50)).body == CLEAN


@by_coding
def test_a_bomb_is_refused_before_it_has_gone_off(
    coding: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_coding, "LARGEST", 2**20)
    bomb = pack(bytes(3 * 2**20))
    for refused in (lambda: REDACTOR.request(request(bomb, coding)), lambda: REDACTOR.response(response(bomb, coding, 10**9))):  # fmt: skip
        with pytest.raises(RecordingError, match="becomes larger than 1 MiB"):
            refused()


@pytest.mark.parametrize(("coding", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_what_opens_a_coding_and_is_not_installed_is_named(
    coding: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(content_coding, "import_module", missing)
    _, pack = CODINGS[coding]
    with pytest.raises(RecordingError, match=f"install '{package}'"):
        REDACTOR.request(request(pack(PLAIN), coding))
