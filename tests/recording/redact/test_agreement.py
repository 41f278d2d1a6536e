"""One text is judged alike wherever it travels, by redaction and by the scan."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

import pytest

from harness.recording.redact.bodies import redacted_body
from harness.recording.redact.leaks import leaks_in_interaction, leaks_in_json, leaks_in_json_lines, leaks_in_text
from harness.recording.redact.redaction import Redactor
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.redact.innocent_texts import INNOCENT
from tests.recording.redact.more_planted_secrets import ANNOUNCED, SERVICES
from tests.recording.redact.planted_secrets import BY_FORM
from tests.recording.redact.secret_carriers import STREAMS, WHOLE, Carrier

REDACTOR = Redactor()
PLANTED = BY_FORM + SERVICES + ANNOUNCED
JSON = "application/json"


def response(body: bytes, content_type: str, error: str | None = None) -> WireResponse:
    ended = Ending("complete" if error is None else "reset", error, 1.0)
    return WireResponse(200, "OK", (("content-type", content_type),), body, (Chunk(0, len(body), 1.0),), ended, ())


def request(url: str = "https://example.com/v1", body: bytes = b"", content_type: str = JSON) -> WireRequest:
    return WireRequest("POST", url, (("content-type", content_type),), body)


EMPTY = response(b"", JSON)


@dataclass(frozen=True)
class Way:
    """How a text travels: what becomes of it there, and what the scan says of it."""

    id: str
    #: The text as a reader finds it after redaction.
    redacted: Callable[[str], str]
    #: Whether the scan finds a secret in it, before redaction.
    flagged: Callable[[str], bool]


def _in_body(carrier: Carrier, pieces: Callable[[str], Sequence[str]]) -> Way:
    def redacted(text: str) -> str:
        return carrier.read(redacted_body(carrier.write(pieces(text)), carrier.content_type)[0])

    def flagged(text: str) -> bool:
        body = carrier.write(pieces(text))
        return any(leaks_in_interaction(Interaction(request(), response(body, carrier.content_type))))

    return Way(carrier.id, redacted, flagged)


def _thirds(text: str) -> list[str]:
    third = max(1, len(text) // 3)
    return [piece for piece in (text[:third], text[third : 2 * third], text[2 * third :]) if piece]


def _one_by_one(text: str) -> list[str]:
    return list(text) if len(text) < 200 else _thirds(text)


def _query(text: str, encode: Callable[[str], str]) -> str:
    return f"https://example.com/v1?x=1&q={encode(text)}&y=2"


def _multipart(text: str) -> bytes:
    return b'--b0\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + text.encode() + b"\r\n--b0--\r\n"


def _frames(text: str, pieces: Callable[[str], Sequence[str]]) -> list[dict[str, Any]]:
    return [
        {"type": "llm_stream_chunk", "data": {"call_id": "c", "call_type": "llm_call", "chunk": piece}}
        for piece in pieces(text)
    ]


def _lines(values: Sequence[Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


def _read_multipart(body: bytes) -> str:
    return body.decode().split("\r\n\r\n", 1)[1].removesuffix("\r\n--b0--\r\n")


WAYS: tuple[Way, ...] = (
    Way("payload", lambda text: str(REDACTOR.payload({"a": [text]})["a"][0]), lambda text: any(leaks_in_json(json.dumps({"a": [text]})))),
    Way(
        "tool arguments",
        lambda text: str(REDACTOR.payload({"tool_args": {"note": text}})["tool_args"]["note"]),
        lambda text: any(leaks_in_json(json.dumps({"tool_args": {"note": text}}))),
    ),
    Way("result", lambda text: str(REDACTOR.frames([text])[0]), lambda text: any(leaks_in_json(json.dumps({"outcome": {"results": [text]}})))),
    Way(
        "frames",
        lambda text: "".join(frame["data"]["chunk"] for frame in REDACTOR.frames(_frames(text, _thirds))),
        lambda text: any(leaks_in_json_lines(_lines(_frames(text, _thirds)))),
    ),
    Way(
        "frames of one character",
        lambda text: "".join(frame["data"]["chunk"] for frame in REDACTOR.frames(_frames(text, _one_by_one))),
        lambda text: any(leaks_in_json_lines(_lines(_frames(text, _one_by_one)))),
    ),
    Way(
        "error",
        lambda text: str(REDACTOR.response(response(b"", JSON, f"ApiError: {text}")).ended.error).removeprefix("ApiError: "),
        lambda text: any(leaks_in_text(f"ApiError: {text}")),
    ),
    Way("file name", lambda text: REDACTOR.text(text), lambda text: any(leaks_in_text(text))),
    Way(
        "query",
        lambda text: unquote(urlsplit(REDACTOR.request(request(_query(text, lambda q: quote(q, safe="")))).url).query.split("&")[1][2:]),
        lambda text: any(leaks_in_interaction(Interaction(request(_query(text, lambda q: quote(q, safe=""))), EMPTY))),
    ),
    Way(
        "query with plus",
        lambda text: parse_qs(urlsplit(REDACTOR.request(request(_query(text, quote_plus))).url).query, keep_blank_values=True)["q"][0],
        lambda text: any(leaks_in_interaction(Interaction(request(_query(text, quote_plus)), EMPTY))),
    ),
    Way(
        "form",
        lambda text: parse_qs(redacted_body(f"x=1&q={quote_plus(text)}".encode(), "application/x-www-form-urlencoded")[0].decode())["q"][0],
        lambda text: any(
            leaks_in_interaction(
                Interaction(request(body=f"x=1&q={quote_plus(text)}".encode(), content_type="application/x-www-form-urlencoded"), EMPTY)
            )
        ),
    ),
    Way(
        "multipart",
        lambda text: _read_multipart(redacted_body(_multipart(text), "multipart/form-data; boundary=b0")[0]),
        lambda text: any(
            leaks_in_interaction(Interaction(request(body=_multipart(text), content_type="multipart/form-data; boundary=b0"), EMPTY))
        ),
    ),
    *(_in_body(carrier, lambda text: [text]) for carrier in WHOLE if carrier.id not in ("base64", "escaped-message", "name", "sse-text")),
    *(_in_body(carrier, _thirds) for carrier in STREAMS),
)  # fmt: skip
by_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)


@cache
def alone(text: str) -> str:
    """Return a text as it is redacted where nothing is around it."""
    return REDACTOR.text(text)


@by_way
def test_a_text_is_judged_alike_wherever_it_travels(way: Way) -> None:
    differently = {}
    for text in (*(each.text for each in PLANTED), *INNOCENT):
        found = way.redacted(text)
        if found != alone(text):
            differently[text] = (alone(text), found)
    assert differently == {}


@by_way
def test_the_scan_finds_what_redaction_blots_and_nothing_else(way: Way) -> None:
    wrong = []
    for text in (*(each.text for each in PLANTED), *INNOCENT):
        redacted = alone(text)
        if way.flagged(redacted) or (redacted != text and not way.flagged(text)):
            wrong.append(text)
    assert wrong == []
