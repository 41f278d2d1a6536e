"""Gemini against a provider on loopback and against live traffic: what is sent, what comes of it, and how it ends."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import (
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
    UsageError,
)
from harness.llm import LLM
from harness.recording.replay import replay_cassette
from tests.llm.scripted import WAYS, Ran, Way, called, in_session, streamed
from tests.providers.playing_again import heard
from tests.providers.reading import Said, live_exchanges
from tests.providers.reading_gemini import read
from tests.servers.gemini import GeminiServer
from tests.servers.gemini_scenarios import (
    BERGEN_CALL,
    CHECKING,
    CROSSING,
    CROSSING_TEXT,
    HARBOUR_TEXT,
    NAMED_CALL,
    NARVIK_CALL,
    REPORT_JSON,
    SCENARIOS,
    SIGNATURE,
    UNICODE_TEXT,
    Call,
)
from tests.servers.wire_server import WireRequest, WireResponse, WireServer

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


def llm_of(server: WireServer, provider: str = "gemini", **settings: Any) -> LLM:
    given = {"max_retries": 0, "api_key": "a-key-for-loopback", **settings}
    return LLM(f"{provider}/gemini-2.5-flash", base_url=server.origin, **given)


def ask(llm: LLM, way: Way, streams: bool, prompt: Any, **keywords: Any) -> Ran:
    if streams:
        return streamed(llm, way, prompt, **keywords)
    llm.stream = False
    return in_session(llm, way, prompt, **keywords)


@dataclass(frozen=True)
class Answer:
    scenario: str
    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""
    reason: str = "stop"
    cached: int | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = [
    Answer("text", HARBOUR_TEXT),
    Answer("unicode", UNICODE_TEXT),
    Answer("tool_call", CHECKING, (BERGEN_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("parallel_tool_calls", "", (BERGEN_CALL, NARVIK_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("named_tool_call", "", (NAMED_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("thinking", CROSSING_TEXT, thinking=CROSSING.text),
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("cached", HARBOUR_TEXT, cached=2048),
    Answer("length", "One wave, two", reason="length"),
    Answer("filtered", "I", reason="content_filter"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: GeminiServer
) -> None:
    ran = ask(llm_of(server), way, streams, SCENARIOS[answer.scenario].prompt, **answer.keywords)
    assert ran.error is None
    completed = ran.frames[-1].data
    response = completed["response"]
    if answer.calls:
        asked = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in response]
        assert asked == [(call.name, call.arguments) for call in answer.calls]
        assert len({call["id"] for call in response}) == len(answer.calls)
    else:
        assert response == answer.text
        expected = Report.model_validate_json(REPORT_JSON) if "response_model" in answer.keywords else response
        assert ran.result == expected
    assert completed["finish_reason"] == answer.reason
    usage = completed["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert usage.get("cached_prompt_tokens") == answer.cached
    assert usage.get("reasoning_tokens") == (1 if answer.thinking else None)
    assert completed["raw_usage"]["totalTokenCount"] == usage["total_tokens"]
    chunks = [frame for frame in ran.frames if frame.type == "llm_stream_chunk"]
    assert bool(chunks) is streams
    if streams:
        assert "".join(frame.content for frame in chunks) == answer.text
        assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == answer.thinking


@pytest.mark.parametrize("way", WAYS)
def test_calls_go_back_with_their_signatures_and_results_side_by_side(way: Way, server: GeminiServer) -> None:
    llm, prompt = llm_of(server), SCENARIOS["parallel_tool_calls"].prompt
    calls = called(llm, way, prompt, tools=TOOLS)
    said = called(
        llm,
        way,
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": None, "tool_calls": calls},
            *({"role": "tool", "tool_call_id": call["id"], "content": "11"} for call in calls),
        ],
        tools=TOOLS,
    )
    assert said == "Bergen has 11 degrees and Narvik 4."
    weather = {"functionResponse": {"name": "get_weather", "response": {"result": "11"}}}
    assert server.bodies[-1] == {
        "contents": [
            {"parts": [{"text": prompt}], "role": "user"},
            {
                "parts": [
                    {
                        "functionCall": {"name": "get_weather", "args": {"city": "Bergen"}},
                        "thoughtSignature": SIGNATURE,
                    },
                    {"functionCall": {"name": "get_weather", "args": {"city": "Narvik"}}},
                ],
                "role": "model",
            },
            {"parts": [weather, weather], "role": "user"},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": name, "parametersJsonSchema": {"type": "object", "properties": {}}}
                    for name in ("get_weather", "get_tide")
                ]
            }
        ],
    }


def test_the_calls_of_two_answers_have_ids_of_their_own(server: GeminiServer) -> None:
    llm, prompt = llm_of(server), SCENARIOS["parallel_tool_calls"].prompt
    ids = [call["id"] for _ in range(2) for call in llm.call(prompt, tools=TOOLS)]
    assert len(set(ids)) == 4


PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "text": "a"}, {"text": "a"}),
    (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    ),
    (
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
    ),
    ({"type": "file", "file": {"file_id": "gs://bucket/a"}}, {"fileData": {"fileUri": "gs://bucket/a"}}),
    (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
    ),
    (
        {"type": "document", "source": {"type": "url", "url": "gs://b/c", "media_type": "text/csv"}},
        {"fileData": {"fileUri": "gs://b/c", "mimeType": "text/csv"}},
    ),
]


@pytest.mark.parametrize(("part", "wire"), PARTS, ids=[next(iter(row[1])) + str(n) for n, row in enumerate(PARTS)])
def test_parts_of_a_message_are_sent_in_geminis_form(
    part: Mapping[str, Any], wire: Mapping[str, Any], server: GeminiServer
) -> None:
    prompt = {"type": "text", "text": SCENARIOS["text"].prompt}
    llm_of(server).call([{"role": "user", "content": [part, prompt]}])
    assert server.bodies[0]["contents"][0]["parts"] == [wire, {"text": prompt["text"]}]


SCHEMA = Report.model_json_schema()
JSON_FORM = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
CONFIGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"temperature": 0.0, "top_p": 0.5}, {"temperature": 0.0, "topP": 0.5}),
    ({"max_tokens": 9, "stop": "END"}, {"maxOutputTokens": 9, "stopSequences": ["END"]}),
    ({"seed": 7, "n": 1}, {"seed": 7, "candidateCount": 1}),
    ({"thinking": {"thinkingBudget": 0}}, {"thinkingConfig": {"thinkingBudget": 0}}),
    ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "low"}}),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "R", "schema": SCHEMA}}}, JSON_FORM),
    ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
    ({"top_p": 0.1, "additional_params": {"generationConfig": {"topP": 0.9, "topK": 4}}}, {"topP": 0.9, "topK": 4}),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("settings", "config"), CONFIGS, ids=[", ".join(row[0]) for row in CONFIGS])
def test_settings_are_sent_as_the_generation_config(
    settings: dict[str, Any], config: dict[str, Any], way: Way, server: GeminiServer
) -> None:
    called(llm_of(server, **settings), way, SCENARIOS["text"].prompt)
    assert server.bodies[0]["generationConfig"] == config


PLACES: list[tuple[str, dict[str, Any], str]] = [
    ("gemini", {}, "/v1/models/gemini-2.5-flash:"),
    ("google", {"api_version": "v1beta"}, "/v1beta/models/gemini-2.5-flash:"),
    ("vertex_ai", {"api_version": "v1"}, "/v1/publishers/google/models/gemini-2.5-flash:"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("provider", "settings", "path"), PLACES, ids=[row[0] for row in PLACES])
def test_each_provider_has_its_path(
    provider: str, settings: dict[str, Any], path: str, streams: bool, way: Way, server: GeminiServer
) -> None:
    assert ask(llm_of(server, provider, **settings), way, streams, SCENARIOS["text"].prompt).error is None
    assert server.paths == [f"{path}streamGenerateContent?alt=sse" if streams else f"{path}generateContent"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("scenario", "status", "code"), [("rate_limit", 429, "RESOURCE_EXHAUSTED"), ("overloaded", 503, "UNAVAILABLE")]
)
def test_http_errors_keep_provider_status_and_code(
    scenario: str, status: int, code: str, streams: bool, way: Way, server: GeminiServer
) -> None:
    ran = ask(llm_of(server), way, streams, SCENARIOS[scenario].prompt)
    error = ran.error
    assert isinstance(error, ProviderStatusError)
    assert (error.provider, error.status, error.code, error.retryable) == ("gemini", status, code, True)
    assert ran.transcript == ["started", "failed ProviderStatusError"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "error", "told"),
    [
        ("stream_error", ProviderError, "reported an error inside the stream: The model is overloaded."),
        ("truncated", StreamTruncatedError, "ended before its end marker"),
        ("truncated_eof", StreamTruncatedError, "was cut before its end marker"),
        ("truncated_reset", StreamTruncatedError, "was cut before its end marker"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure_after_the_chunks_that_came(
    scenario: str, error: type[ProviderError], told: str, way: Way, server: GeminiServer
) -> None:
    ran = streamed(llm_of(server), way, SCENARIOS[scenario].prompt)
    assert type(ran.error) is error
    assert told in str(ran.error)
    assert isinstance(ran.error, ProviderError)
    assert (ran.error.provider, ran.error.retryable) == ("gemini", True)
    assert ran.transcript == ["started", "text 'The'", "text ' harbour'", "text ' is'", f"failed {error.__name__}"]


@pytest.mark.parametrize("way", WAYS)
def test_a_port_where_nobody_listens_is_a_connection_error(way: Way) -> None:
    with GeminiServer() as server:
        llm = llm_of(server)
    with pytest.raises(ProviderConnectionError, match="no answer from gemini") as raised:
        called(llm, way, "Hi")
    assert (raised.value.status, raised.value.retryable) == (None, True)


@pytest.mark.parametrize("way", WAYS)
def test_closing_ends_the_connection_of_a_run_that_is_blocked_in_it(way: Way, server: GeminiServer) -> None:
    llm, prompt = llm_of(server), SCENARIOS["blocked_body"].prompt
    if way == "sync":
        session = llm.stream_events(prompt)
        reader = threading.Thread(target=lambda: list(session))
        reader.start()
        server.wait_for(lambda: server.held == 1)
        session.close()
        reader.join(10)
        assert not reader.is_alive()
    else:
        asyncio.run(_closed_when_held(llm, prompt, server))
    # The server is still holding: that it sees its client gone is closing's doing alone.
    server.wait_for(lambda: server.disconnects == 1)


async def _closed_when_held(llm: LLM, prompt: str, server: GeminiServer) -> None:
    session = llm.astream(prompt)

    async def read_all() -> None:
        async for _ in session:
            pass

    reader = asyncio.create_task(read_all())
    await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
    await session.aclose()
    await asyncio.wait_for(reader, 10)


class Raw(WireServer):
    """Answers every request with the same bytes."""

    def __init__(self, body: bytes, content_type: str = "text/event-stream") -> None:
        super().__init__()
        self._response = WireResponse(200, (("content-type", content_type),), (body,) if body else ())

    def answer(self, request: WireRequest) -> WireResponse:
        return self._response


def chunk(*parts: Mapping[str, Any], reason: str | None = None, **fields: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if reason is not None:
        candidate["finishReason"] = reason
    return f"data: {json.dumps({'candidates': [candidate], **fields}, ensure_ascii=False)}\n\n".encode()


TEXT = chunk({"text": "é"})
STREAMS = [
    ("a reason to come", TEXT + chunk(reason="LATER_INVENTION"), ["text 'é'", "completed 'é' other"]),
    ("a recitation", TEXT + chunk(reason="RECITATION"), ["text 'é'", "completed 'é' content_filter"]),
    ("a blocked prompt", b'data: {"promptFeedback": {"blockReason": "SAFETY"}}\n\n', ["completed '' content_filter"]),
    ("a second candidate", TEXT + b'data: {"candidates": [{"index": 1, "content": {"parts": [{"text": "x"}]}}]}\n\n'
     + chunk(reason="STOP"), ["text 'é'", "completed 'é' stop"]),
    ("a call without arguments", chunk({"functionCall": {"name": "f"}}, reason="STOP", responseId="r"),
     ["call 0 gemini-call-r-0 f '{}' of {}", "completed ['gemini-call-r-0 f {}'] tool_calls"]),
    ("a candidate without content", TEXT + b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n',
     ["text 'é'", "completed 'é' stop"]),
    ("the reason in the text is no end", chunk({"text": '"finishReason": "STOP"'}),
     ["text '\"finishReason\": \"STOP\"'", "failed StreamTruncatedError"]),
    ("cut inside a string", (TEXT + chunk({"text": "abc"}, reason="STOP"))[:-50],
     ["text 'é'", "failed StreamTruncatedError"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("a chunk that is no JSON", TEXT + b"data: {oops}\n\n", ["text 'é'", "failed MalformedResponseError"]),
    ("a chunk that is no object", TEXT + b"data: [1]\n\n", ["text 'é'", "failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_that_differ_from_the_usual(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as server:
        assert streamed(llm_of(server), way, "Hi").transcript == ["started", *told]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b'{"candidates": [1]}', b"[]", b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as server:
        ran = in_session(llm_of(server, stream=False), way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini/gemini-2.5-flash", "google/gemini-2.5-flash"])
def test_a_key_is_needed_and_its_variable_is_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="GEMINI_API_KEY or GOOGLE_API_KEY"):
        LLM(model).call("Hi")


def test_a_missing_sdk_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.genai", None)
    monkeypatch.delattr("google.genai")
    monkeypatch.delitem(sys.modules, "harness.providers.gemini_sdk", raising=False)
    with pytest.raises(UsageError, match=r"stream-harness\[gemini\]"):
        importlib.import_module("harness.providers.gemini_sdk")


@pytest.mark.parametrize("way", WAYS)
def test_every_live_answer_says_what_an_independent_reading_finds(way: Way, corpus: Path) -> None:
    answered = [exchange for exchange in live_exchanges(corpus, "gemini") if exchange.status == 200]
    assert answered
    for exchange in answered:
        found, expected = heard(exchange.path, exchange.number, way), read(exchange.content_type, exchange.body)
        assert len({call[0] for call in found.calls}) == len(found.calls)
        assert without_own_ids(found, expected) == expected, str(exchange)


def without_own_ids(found: Said, expected: Said) -> Said:
    """Return what was found with "" for the ids of calls that the wire gives none."""
    pairs = zip(found.calls, expected.calls, strict=True)
    return replace(found, calls=[(call[0] if sent[0] else "", *call[1:]) for call, sent in pairs])


@pytest.mark.parametrize("way", WAYS)
def test_a_live_refusal_is_a_status_error(way: Way, corpus: Path) -> None:
    refused = [exchange for exchange in live_exchanges(corpus, "gemini") if exchange.status != 200]
    assert refused
    for exchange in refused:
        with pytest.raises(ProviderStatusError) as raised:
            heard(exchange.path, exchange.number, way)
        told = json.loads(exchange.body)["error"]
        assert (raised.value.status, raised.value.code) == (exchange.status, told["status"])


def test_every_live_cassette_replays(corpus: Path) -> None:
    for path in {exchange.path for exchange in live_exchanges(corpus, "gemini")}:
        for replayed in replay_cassette(path):
            assert replayed.problems == [], f"{path.name} {replayed.interaction}"
            assert replayed.error is None or replayed.is_recorded_error
