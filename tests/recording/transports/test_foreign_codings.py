"""A compressed body in somebody else's cassette reaches the users of each library whole, whoever recorded it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import open_tape
from tests.recording.support.clients import CLIENTS, Client
from tests.recording.support.exchanges import CONTENT, URL

TEXT = b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n'


def members(pack: Callable[[bytes], bytes]) -> bytes:
    return pack(TEXT[:20]) + pack(TEXT[20:])


def raw() -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(TEXT) + packer.flush()


def zstd(content: bytes) -> bytes:
    return bytes(pytest.importorskip("zstandard").compress(content))


#: What it is, the coding that its headers name, and the body.
CODINGS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("gzip", "gzip", lambda: gzip.compress(TEXT)),
    ("gzip of two members", "gzip", lambda: members(gzip.compress)),
    ("gzip twice", "gzip, gzip", lambda: gzip.compress(gzip.compress(TEXT))),
    ("deflate", "deflate", lambda: zlib.compress(TEXT)),
    ("deflate without a frame", "deflate", raw),
    ("br", "br", lambda: bytes(pytest.importorskip("brotli").compress(TEXT))),
    ("zstd", "zstd", lambda: zstd(TEXT)),
    ("zstd of two frames", "zstd", lambda: members(zstd)),
    ("plain, whatever is said", "br", lambda: TEXT),
    ("plain, with the headers of what it was", "gzip", lambda: TEXT),
]


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize(("coding", "body"), [row[1:] for row in CODINGS], ids=[row[0] for row in CODINGS])
def test_a_compressed_body_is_read_whole_and_who_undoes_no_coding_is_told_of_none(
    client: Client, coding: str, body: Callable[[], bytes], tmp_path: Path
) -> None:
    sent = body()
    # The length, too, may be that of what the body was.
    outdated = (coding, sent) == ("gzip", TEXT)
    length = len(gzip.compress(TEXT)) if outdated else len(sent)
    headers = {"Content-Type": ["text/event-stream"], "Content-Encoding": [coding], "Content-Length": [str(length)]}
    response = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": sent}}
    request = {"method": "POST", "uri": URL, "headers": {}, "body": CONTENT.decode()}
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [{"request": request, "response": response}]}))
    with open_tape(path, "none", redactor=Redactor()):
        read = client.post(URL)
    assert (read.status, read.error, read.body) == (200, "", TEXT)
    if client.name in ("urllib", "http.client"):
        assert read.headers.get("content-encoding") is None
        assert read.headers.get("content-length") == (None if outdated else str(len(TEXT)))
