"""Recorded exchanges, written by hand."""

from __future__ import annotations

from pathlib import Path

from harness.recording.files.cassette_writer import write_cassette
from harness.recording.wire import Chunk, Ending, Headers, How, Interaction, WireRequest, WireResponse

JSON: Headers = (("content-type", "application/json"),)
#: What `cassette_of` has answered: a POST of a client's own content, as `Client.post` sends it.
URL, CONTENT = "https://h/v1/chat", b'{"a": 1}'


def told(
    *pieces: bytes,
    status: int = 200,
    headers: Headers = JSON,
    how: How = "complete",
    error: str | None = None,
    every_ms: float = 0.0,
    scope: tuple[str, ...] = (),
) -> WireResponse:
    """Return a response whose pieces came one each `every_ms`, as its end did."""
    chunks: list[Chunk] = []
    for number, piece in enumerate(pieces):
        chunks.append(Chunk(sum(map(len, pieces[:number])), len(piece), every_ms * number))
    ended = Ending(how, error, every_ms * len(pieces))
    return WireResponse(status, "OK" if status else "", headers, b"".join(pieces), tuple(chunks), ended, scope)


#: The response of a server that could not be reached.
UNREACHED = told(status=0, headers=(), how="no-response", error="ConnectError: refused")


def cassette_of(path: Path, *answers: WireResponse, content: bytes = CONTENT) -> None:
    """Write a cassette in which one request is answered so, again and again."""
    write_cassette(path, [Interaction(WireRequest("POST", URL, (), content), one) for one in answers])
