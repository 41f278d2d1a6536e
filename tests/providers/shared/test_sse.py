"""Server-sent events are the same however their bytes are split, and what comes behind an answer's end is none of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages
from harness.llm.output.parts import Part
from harness.providers.shared.sse import SSEDecoder
from tests.providers.cohere.test_v2 import SAYS, START, end, sse
from tests.providers.integrations import ANTHROPIC, anthropic, openai_chat, openai_responses

BODIES: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "LF": (b"event: a\ndata: 1\n\ndata: 2\n\n", [("a", b"1"), ("", b"2")]),
    "CRLF": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [("a", b"1"), ("", b"2")]),
    "CR": (b"event: a\rdata: 1\r\rdata: 2\r\r\n", [("a", b"1"), ("", b"2")]),
    "CRLF, then LF": (b"data: 1\r\n\ndata: 2\r\n\n", [("", b"1"), ("", b"2")]),
    "LF, then CR": (b"data: 1\n\rdata: 2\n\r\n", [("", b"1"), ("", b"2")]),
    "data on several lines": ("data: é\r\ndata: 🗼\r\n\r\n".encode(), [("", "é\n🗼".encode())]),
}


def splits(body: bytes) -> Iterable[list[bytes]]:
    """Yield a body whole, in single bytes with nothing between some, and in two at each place."""
    yield [body]
    yield [piece for at in range(len(body)) for piece in (body[at : at + 1], b"")]
    for at in range(1, len(body)):
        yield [body[:at], body[at:]]


@pytest.mark.parametrize(("body", "events"), BODIES.values(), ids=BODIES)
def test_events_are_the_same_however_they_are_split(body: bytes, events: list[tuple[str, bytes]]) -> None:
    for pieces in splits(body):
        decoder = SSEDecoder()
        assert [event for piece in pieces for event in decoder.feed(piece)] == events, pieces
        assert (decoder.rest(), decoder.stray) == (b"", b"")


CHAT = openai_chat.event({"content": "a"}, "stop") + openai_chat.DONE
RESPONSE = openai_responses.TEXT + openai_responses.END
CLAUDE = anthropic.START + anthropic.TEXT + anthropic.end("end_turn") + anthropic.STOP
COHERE = sse(START, *SAYS, end("COMPLETE")).encode()
#: Models, whole streams of theirs, and what comes behind those.
ENDED: dict[str, tuple[str, bytes, bytes]] = {
    "chat, text": ("openai/m", CHAT, openai_chat.event({"content": "b"})),
    "chat, a failure": ("openai/m", CHAT, b'event: error\ndata: {"message": "gone"}\n\n'),
    "chat, lines of no event": ("openai/m", CHAT, b"bye\n\nbye"),
    "chat, half an event": ("openai/m", CHAT, b'data: {"error": "gone"}'),
    "responses, text": ("openai-responses/m", RESPONSE, openai_responses.TEXT),
    "responses, no JSON": ("openai-responses/m", RESPONSE, b"data: bye\n\n"),
    "responses, a failure": ("openai-responses/m", RESPONSE, b'event: error\ndata: {"message": "gone"}\n\n'),
    "cohere, text": ("cohere-v2/m", COHERE, sse(SAYS[1]).encode()),
    "cohere, no JSON": ("cohere-v2/m", COHERE, b"data: bye\n\n"),
    "anthropic, another answer": ("anthropic/m", CLAUDE, CLAUDE),
    "anthropic, a failure": ("anthropic/m", CLAUDE, b'event: error\ndata: {"message": "gone"}\n\n'),
    "anthropic, no JSON": ("anthropic/m", CLAUDE, b"data: bye\n\n"),
}


def parts(model: str, pieces: Iterable[bytes]) -> list[Part]:
    """Return what pieces of a body make, of which none is read once nothing is to come."""
    llm = LLM(model, api_key="k")
    answer = llm._answer(LLMRequest(read_messages("Hi")))  # type: ignore[attr-defined]
    found: list[Part] = []
    for piece in pieces:
        if not answer.is_over:
            found += answer.piece(piece)
    return [*found, *answer.end()]


@pytest.mark.parametrize(
    ("model", "body", "more"),
    [pytest.param(*row, id=name, marks=ANTHROPIC.marks if "anthropic" in name else ()) for name, row in ENDED.items()],
)
def test_what_comes_behind_the_end_is_none_of_the_answer(model: str, body: bytes, more: bytes) -> None:
    told = parts(model, [body])
    for pieces in splits(body + more):
        assert parts(model, pieces) == told, pieces
