"""Anthropic against a provider on loopback: what is sent, what comes of the answer, and how it ends."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from tests.providers.reading import live_exchanges
from tests.providers.reading_anthropic import read
from tests.servers.anthropic import AnthropicServer
from tests.servers.anthropic_scenarios import (
    BERGEN_CALL,
    CHECKING,
    CROSSING,
    CROSSING_TEXT,
    EMPTY_CALL,
    HARBOUR_TEXT,
    NARVIK_CALL,
    REPORT_JSON,
    SCENARIOS,
    UNICODE_TEXT,
    Call,
)
from tests.servers.wire_server import WireRequest, WireResponse, WireServer

KEY = "a-key-for-loopback"
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


def llm_of(server: WireServer, **settings: Any) -> LLM:
    return LLM("anthropic/claude-sonnet-4-5", base_url=server.origin, api_key=KEY, **{"max_retries": 0, **settings})


def ask(llm: LLM, way: Way, streams: bool, prompt: str, **keywords: Any) -> Ran:
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
    #: What usage says besides prompt, completion and their total.
    cached: tuple[int, int] = (0, 0)
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = [
    Answer("text", HARBOUR_TEXT),
    Answer("unicode", UNICODE_TEXT),
    Answer("tool_call", CHECKING, (BERGEN_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("parallel_tool_calls", "", (BERGEN_CALL, NARVIK_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("empty_tool_call", "", (EMPTY_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("thinking", CROSSING_TEXT, thinking=CROSSING.text, settings={"thinking": THINKING}),
    Answer("redacted_thinking", CROSSING_TEXT, thinking=CROSSING.text, settings={"thinking": THINKING}),
    Answer(
        "thinking_with_tool",
        CHECKING,
        (BERGEN_CALL,),
        CROSSING.text,
        "tool_calls",
        settings={"thinking": THINKING},
        keywords={"tools": TOOLS},
    ),
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("cached", HARBOUR_TEXT, cached=(2048, 128)),
    Answer("length", "One wave, two", reason="length", settings={"max_tokens": 4}),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: AnthropicServer
) -> None:
    llm = llm_of(server, **answer.settings)
    ran = ask(llm, way, streams, SCENARIOS[answer.scenario].prompt, **answer.keywords)
    assert ran.error is None
    completed = ran.frames[-1].data
    response = completed["response"]
    if answer.calls:
        asked = [(call["function"]["name"], call["function"]["arguments"]) for call in response]
        assert asked == [(call.name, call.arguments) for call in answer.calls]
        assert len({call["id"] for call in response}) == len(answer.calls)
    else:
        assert response == answer.text
        expected = Report.model_validate_json(REPORT_JSON) if "response_model" in answer.keywords else response
        assert ran.result == expected
    assert completed["finish_reason"] == answer.reason
    usage = completed["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert (usage["cached_prompt_tokens"], usage["cache_creation_tokens"]) == answer.cached
    assert completed["raw_usage"]["output_tokens"] == usage["completion_tokens"]
    chunks = [frame for frame in ran.frames if frame.type == "llm_stream_chunk"]
    assert bool(chunks) is streams
    if streams:
        assert "".join(frame.content for frame in chunks) == answer.text
        assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == answer.thinking
        sent = [frame.data["chunk"] for frame in chunks if frame.data["call_type"] == "tool_call"]
        assert "".join(sent) == "".join(call.arguments for call in answer.calls)


@pytest.mark.parametrize("name", [answer.scenario for answer in ANSWERS])
def test_streamed_and_whole_answers_end_in_equal_completions(name: str, server: AnthropicServer) -> None:
    row = next(answer for answer in ANSWERS if answer.scenario == name)
    ends = []
    for streams in (True, False):
        with AnthropicServer() as fresh:
            ran = ask(llm_of(fresh, **row.settings), "sync", streams, SCENARIOS[name].prompt, **row.keywords)
        payload = dict(ran.frames[-1].data)
        ends.append({key: value for key, value in payload.items() if key not in {"call_id", "started_event_id"}})
    raw = [end.pop("raw_usage") for end in ends]
    assert ends[0] == ends[1]
    assert raw[0] == raw[1]


@pytest.mark.parametrize("way", WAYS)
def test_tools_that_are_given_are_run(way: Way, server: AnthropicServer) -> None:
    functions = {"get_weather": lambda city: f"11 degrees in {city}"}
    prompt = SCENARIOS["parallel_tool_calls"].prompt
    ran = streamed(llm_of(server), way, prompt, tools=TOOLS, available_functions=functions)
    assert ran.result == ["11 degrees in Bergen", "11 degrees in Narvik"]


@dataclass(frozen=True)
class Body:
    name: str
    #: What the body holds besides model, messages and its own `max_tokens`.
    sent: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False


SCHEMA = {
    "type": "object",
    "title": "Report",
    "properties": {
        "city": {"type": "string", "title": "City"},
        "temperature_c": {"type": "number", "title": "Temperature C"},
        "summary": {"type": "string", "title": "Summary"},
    },
    "required": ["city", "temperature_c", "summary"],
    "additionalProperties": False,
}
WIRE_TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {}}} for name in ("get_weather", "get_tide")
]
BODIES = [
    Body("nothing set", {}),
    Body("streamed", {"stream": True}, streams=True),
    Body("not streamed, as said", {"stream": False}, {"stream": False}),
    Body("sampling", {"temperature": 0.0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5, "seed": 7, "n": 1}),
    Body("limit", {"max_tokens": 50}, {"max_tokens": 50}),
    Body("stop", {"stop_sequences": ["END"]}, {"stop": "END"}),
    Body("thinking", {"thinking": THINKING}, {"thinking": THINKING}),
    Body("effort", {"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
    Body("tools", {"tools": WIRE_TOOLS}, keywords={"tools": TOOLS}),
    Body(
        "response model",
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        keywords={"response_model": Report},
    ),
    Body(
        "response format in the OpenAI-like form",
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "R", "strict": True, "schema": SCHEMA}}},
    ),
    Body("fields of the API that are no settings", {"top_k": 5}, {"additional_params": {"top_k": 5}}),
    Body("additional fields win", {"top_p": 0.9}, {"top_p": 0.1, "additional_params": {"top_p": 0.9}}),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_the_body_sent_is_what_was_asked_for(body: Body, way: Way, server: AnthropicServer) -> None:
    prompt = SCENARIOS["structured" if "response_model" in body.keywords else "text"].prompt
    llm = llm_of(server, **body.settings)
    if body.streams:
        assert streamed(llm, way, prompt, **body.keywords).error is None
    else:
        called(llm, way, prompt, **body.keywords)
    always = {"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [{"role": "user", "content": prompt}]}
    assert server.bodies == [{**always, **body.sent}]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [("rate_limit", 429, "rate_limit_error"), ("overloaded", 529, "overloaded_error")],
)
def test_http_errors_keep_provider_status_code_and_request_id(
    scenario: str, status: int, code: str, way: Way, server: AnthropicServer
) -> None:
    ran = streamed(llm_of(server), way, SCENARIOS[scenario].prompt)
    error = ran.error
    assert isinstance(error, ProviderStatusError)
    assert (error.provider, error.status, error.code, error.retryable) == ("anthropic", status, code, True)
    assert (error.request_id or "").startswith("req_")
    assert ran.transcript == ["started", "failed ProviderStatusError"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "error", "told"),
    [
        ("stream_error", ProviderError, "reported an error inside the stream: Overloaded"),
        ("truncated", StreamTruncatedError, "ended before its end marker"),
        ("truncated_eof", StreamTruncatedError, "was cut before its end marker"),
        ("truncated_reset", StreamTruncatedError, "was cut before its end marker"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure_after_the_chunks_that_came(
    scenario: str, error: type[ProviderError], told: str, way: Way, server: AnthropicServer
) -> None:
    ran = streamed(llm_of(server), way, SCENARIOS[scenario].prompt)
    assert type(ran.error) is error
    assert told in str(ran.error)
    assert isinstance(ran.error, ProviderError)
    assert (ran.error.provider, ran.error.retryable) == ("anthropic", True)
    assert ran.transcript == [
        "started",
        "text 'The'",
        "text ' harbour'",
        "text ' is'",
        f"failed {error.__name__}",
    ]


def test_an_error_event_names_the_request_and_its_code(server: AnthropicServer) -> None:
    error = streamed(llm_of(server), "sync", SCENARIOS["stream_error"].prompt).error
    assert isinstance(error, ProviderError)
    assert (error.code, error.status) == ("overloaded_error", None)
    assert (error.request_id or "").startswith("req_")


def test_a_port_where_nobody_listens_is_a_connection_error() -> None:
    with AnthropicServer() as server:
        llm = llm_of(server)
    with pytest.raises(ProviderConnectionError, match="no answer from anthropic") as raised:
        llm.call("Hi")
    assert (raised.value.status, raised.value.retryable) == (None, True)


@pytest.mark.parametrize("way", WAYS)
def test_closing_ends_the_connection_of_a_run_that_is_blocked_in_it(way: Way, server: AnthropicServer) -> None:
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


async def _closed_when_held(llm: LLM, prompt: str, server: AnthropicServer) -> None:
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
        self._response = WireResponse(
            200, (("content-type", content_type), ("request-id", "req_raw")), (body,) if body else ()
        )

    def answer(self, request: WireRequest) -> WireResponse:
        return self._response


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


def block(index: int, start: Mapping[str, Any], *deltas: Mapping[str, Any]) -> bytes:
    return b"".join(
        (
            event("content_block_start", index=index, content_block=start),
            *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
            event("content_block_stop", index=index),
        )
    )


START = event("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}})
TEXT = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "é"})
STOP = event("message_stop")


def end(reason: str | None) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 2}) + STOP


STREAMS = [
    ("text in the block's start", START + block(0, {"type": "text", "text": "a"}) + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    ("a server's own tool is no call", START + block(0, {"type": "server_tool_use", "id": "s", "name": "web_search",
     "input": {}}, {"type": "input_json_delta", "partial_json": "{}"}) + TEXT + end("end_turn"),
     ["text 'é'", "completed 'é' stop"]),
    ("input in the block's start", START + block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}})
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{\"a\": 1}' of {\"a\": 1}",
                         "completed ['t f {\"a\": 1}'] tool_calls"]),
    ("calls among text keep their order", START + block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}})
     + block(1, {"type": "text", "text": "x"}) + block(2, {"type": "tool_use", "id": "u", "name": "g", "input": {}})
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{}' of {}", "text 'x'", "call 1 u g '' of ",
                         "call 1 u g '{}' of {}", "completed ['t f {}', 'u g {}'] tool_calls"]),
    ("citations and signatures are no text", START + block(0, {"type": "text", "text": ""},
     {"type": "citations_delta", "citation": {}}, {"type": "text_delta", "text": "a"},
     {"type": "signature_delta", "signature": "s"}) + end("end_turn"), ["text 'a'", "completed 'a' stop"]),
    ("unknown events say nothing", START + event("later_invention", a=1) + TEXT + end("end_turn"),
     ["text 'é'", "completed 'é' stop"]),
    ("a reason to come", START + TEXT + end("pause_turn"), ["text 'é'", "completed 'é' other"]),
    ("a refusal", START + TEXT + end("refusal"), ["text 'é'", "completed 'é' content_filter"]),
    ("a full window", START + TEXT + end("model_context_window_exceeded"), ["text 'é'", "completed 'é' length"]),
    ("no reason", START + TEXT + end(None), ["text 'é'", "completed 'é' None"]),
    ("lines end in CRLF", (START + TEXT + end("end_turn")).replace(b"\n", b"\r\n"), ["text 'é'", "completed 'é' stop"]),
    ("the marker in the text is no end", START + block(0, {"type": "text", "text": "message_stop"}),
     ["text 'message_stop'", "failed StreamTruncatedError"]),
    ("the end lacks its last line", (START + TEXT + end("end_turn"))[:-1], ["text 'é'", "failed StreamTruncatedError"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("an event that is no JSON", START + b"event: ping\ndata: {\n\nevent: message_stop\ndata: {oops\n\n",
     ["failed MalformedResponseError"]),
    ("an event that lacks a field", START + event("content_block_delta", index=0) + STOP,
     ["failed MalformedResponseError"]),
    ("bytes that are no UTF-8", START + b"event: message_delta\ndata: \xff\n\n", ["failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_of_hosts_that_speak_the_format(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as server:
        assert streamed(llm_of(server), way, "Hi").transcript == ["started", *told]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b'{"id": "m", "content": [{}]}', b"[]", b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as server:
        ran = in_session(llm_of(server, stream=False), way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)
    assert ran.transcript == ["started", "failed MalformedResponseError"]


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"])
def test_a_key_is_needed_and_its_variable_is_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY"):
        LLM(model).call("Hi")


def test_a_missing_sdk_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    monkeypatch.delitem(sys.modules, "harness.providers.anthropic_sdk", raising=False)
    with pytest.raises(UsageError, match=r"stream-harness\[anthropic\]"):
        importlib.import_module("harness.providers.anthropic_sdk")


@pytest.mark.parametrize("way", WAYS)
def test_every_live_answer_says_what_an_independent_reading_finds(way: Way, corpus: Path) -> None:
    for exchange in live_exchanges(corpus, "anthropic"):
        assert heard(exchange.path, exchange.number, way) == read(exchange.content_type, exchange.body), str(exchange)


def test_every_live_cassette_replays(corpus: Path) -> None:
    for path in {exchange.path for exchange in live_exchanges(corpus, "anthropic")}:
        for replayed in replay_cassette(path):
            assert (replayed.problems, replayed.error) == ([], None), f"{path.name} {replayed.interaction}"
