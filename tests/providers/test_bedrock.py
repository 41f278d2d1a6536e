"""Bedrock against a provider on loopback: what is sent, what comes of the answer, and how it ends."""

from __future__ import annotations

import asyncio
import importlib
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
from tests.providers.reading_bedrock import read
from tests.servers.anthropic_scenarios import (
    BERGEN_CALL,
    CHECKING,
    CROSSING,
    CROSSING_TEXT,
    EMPTY_CALL,
    HARBOUR_TEXT,
    NARVIK_CALL,
    REPORT_JSON,
    UNICODE_TEXT,
    Call,
)
from tests.servers.bedrock import BedrockServer
from tests.servers.bedrock_scenarios import SCENARIOS
from tests.servers.bedrock_wire import framed
from tests.servers.wire_server import WireRequest, WireResponse, WireServer

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials of nobody, and none of the person who runs the tests."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.fixture
def server() -> Iterator[BedrockServer]:
    with BedrockServer() as running:
        yield running


def llm_of(server: WireServer, **settings: Any) -> LLM:
    return LLM("bedrock/us.anthropic.claude-sonnet-4-6", base_url=server.origin, **{"max_retries": 0, **settings})


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
    #: Tokens from the cache and into it; without any, only whole answers tell so.
    cached: tuple[int, int] | None = None
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
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("cached", HARBOUR_TEXT, cached=(2048, 128)),
    Answer("length", "One wave, two", reason="length", settings={"max_tokens": 4}),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: BedrockServer
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
    cached = answer.cached or (None if streams else (0, 0))
    assert (usage.get("cached_prompt_tokens"), usage.get("cache_creation_tokens")) == (cached or (None, None))
    counted = usage["prompt_tokens"] + usage["completion_tokens"] + sum(cached or ())
    assert usage["total_tokens"] == counted > 0
    assert completed["raw_usage"]["outputTokens"] == usage["completion_tokens"]
    chunks = [frame for frame in ran.frames if frame.type == "llm_stream_chunk"]
    assert bool(chunks) is streams
    if streams:
        assert "".join(frame.content for frame in chunks) == answer.text
        assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == answer.thinking
        sent = [frame.data["chunk"] for frame in chunks if frame.data["call_type"] == "tool_call"]
        assert "".join(sent) == "".join(call.arguments for call in answer.calls)


@pytest.mark.parametrize("way", WAYS)
def test_tools_that_are_given_are_run(way: Way, server: BedrockServer) -> None:
    functions = {"get_weather": lambda city: f"11 degrees in {city}"}
    prompt = SCENARIOS["parallel_tool_calls"].prompt
    ran = streamed(llm_of(server), way, prompt, tools=TOOLS, available_functions=functions)
    assert ran.result == ["11 degrees in Bergen", "11 degrees in Narvik"]


@dataclass(frozen=True)
class Body:
    name: str
    #: What the body holds besides its messages.
    sent: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


SPECS = [
    {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    for name in ("get_weather", "get_tide")
]
SCHEMA = '{"type": "object"}'
FORMAT = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": SCHEMA, "name": "R"}}}}
BODIES = [
    Body("nothing set", {}),
    Body(
        "sampling",
        {"inferenceConfig": {"maxTokens": 50, "temperature": 0.0, "topP": 0.5, "stopSequences": ["END"]}},
        {"max_tokens": 50, "temperature": 0.0, "top_p": 0.5, "stop": "END", "seed": 7, "n": 1},
    ),
    Body("thinking", {"additionalModelRequestFields": {"thinking": THINKING}}, {"thinking": THINKING}),
    Body("effort", {"additionalModelRequestFields": {"reasoning_effort": "low"}}, {"reasoning_effort": "low"}),
    Body("tools", {"toolConfig": {"tools": SPECS}}, keywords={"tools": TOOLS}),
    Body(
        "tool choice",
        {"toolConfig": {"tools": SPECS, "toolChoice": {"any": {}}}},
        {"additional_params": {"toolChoice": {"any": {}}}},
        {"tools": TOOLS},
    ),
    Body(
        "response format in the OpenAI-like form",
        {"outputConfig": FORMAT},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "R", "schema": {"type": "object"}}}},
    ),
    Body(
        "fields of the API that are no settings",
        {"requestMetadata": {"a": "b"}},
        {"additional_params": {"requestMetadata": {"a": "b"}}},
    ),
    Body(
        "additional fields win",
        {"inferenceConfig": {}},
        {"temperature": 0.1, "additional_params": {"inferenceConfig": {}}},
    ),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_the_body_sent_is_what_was_asked_for(body: Body, way: Way, server: BedrockServer) -> None:
    prompt = SCENARIOS["text"].prompt
    called(llm_of(server, **body.settings), way, prompt, **body.keywords)
    assert server.bodies == [{"messages": [{"role": "user", "content": [{"text": prompt}]}], **body.sent}]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("scenario", "status", "code", "retryable"),
    [("throttled", 429, "ThrottlingException", True), ("refused", 403, "AccessDeniedException", False)],
)
def test_http_errors_keep_provider_status_code_and_request_id(
    scenario: str, status: int, code: str, retryable: bool, streams: bool, way: Way, server: BedrockServer
) -> None:
    ran = ask(llm_of(server), way, streams, SCENARIOS[scenario].prompt)
    error = ran.error
    assert isinstance(error, ProviderStatusError)
    assert (error.provider, error.status, error.code, error.retryable) == ("bedrock", status, code, retryable)
    assert len(error.request_id or "") == 36
    assert ran.transcript == ["started", "failed ProviderStatusError"]
    assert len(server.bodies) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "error", "told"),
    [
        ("stream_error", ProviderError, "reported an error inside the stream: Too many requests"),
        ("truncated", StreamTruncatedError, "ended before its end marker"),
        ("truncated_eof", StreamTruncatedError, "was cut before its end marker"),
        ("truncated_reset", StreamTruncatedError, "was cut before its end marker"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure_after_the_chunks_that_came(
    scenario: str, error: type[ProviderError], told: str, way: Way, server: BedrockServer
) -> None:
    ran = streamed(llm_of(server), way, SCENARIOS[scenario].prompt)
    assert type(ran.error) is error
    assert told in str(ran.error)
    assert isinstance(ran.error, ProviderError)
    assert (ran.error.provider, ran.error.retryable) == ("bedrock", True)
    assert ran.transcript == ["started", "text 'The'", "text ' harbour'", "text ' is'", f"failed {error.__name__}"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", ["truncated_eof", "truncated_reset"])
def test_a_whole_answer_that_breaks_off_is_a_failure(scenario: str, way: Way, server: BedrockServer) -> None:
    ran = ask(llm_of(server), way, False, SCENARIOS[scenario].prompt)
    # botocore takes half a body for a whole one that is no JSON; aiobotocore notices.
    assert isinstance(ran.error, ProviderConnectionError | MalformedResponseError)
    assert ran.transcript == ["started", f"failed {type(ran.error).__name__}"]


def test_a_port_where_nobody_listens_is_a_connection_error() -> None:
    with BedrockServer() as server:
        llm = llm_of(server)
    with pytest.raises(ProviderConnectionError, match="no answer from bedrock") as raised:
        llm.call("Hi")
    assert (raised.value.status, raised.value.retryable) == (None, True)


@pytest.mark.parametrize("way", WAYS)
def test_closing_ends_the_connection_of_a_run_that_is_blocked_in_it(way: Way, server: BedrockServer) -> None:
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


async def _closed_when_held(llm: LLM, prompt: str, server: BedrockServer) -> None:
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

    def __init__(self, body: bytes, content_type: str = "application/vnd.amazon.eventstream") -> None:
        super().__init__()
        self._response = WireResponse(
            200, (("content-type", content_type), ("x-amzn-requestid", "r")), (body,) if body else ()
        )

    def answer(self, request: WireRequest) -> WireResponse:
        return self._response


def event(kind: str, **fields: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return framed(headers, fields)


def text(said: str, index: int = 0) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta={"text": said})


def call(index: int, id: str, name: str) -> bytes:
    start = {"toolUse": {"toolUseId": id, "name": name}}
    return event("contentBlockStart", contentBlockIndex=index, start=start)


def stop(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
METADATA = event("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, metrics={"latencyMs": 1})


def end(reason: str) -> bytes:
    return event("messageStop", stopReason=reason) + METADATA


BROKEN = bytearray(text("a"))
BROKEN[-1] ^= 1
STREAMS = [
    ("no usage", START + text("é") + event("messageStop", stopReason="end_turn") + event("metadata"),
     ["text 'é'", "completed 'é' stop"]),
    ("calls among text keep their order", START + call(0, "t", "f") + stop(0) + text("x", 1) + call(2, "u", "g")
     + event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": '{"a":1}'}}) + stop(2)
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{}' of {}", "text 'x'", "call 1 u g '' of ",
                         "call 1 u g '{\"a\":1}' of {\"a\":1}", "completed ['t f {}', 'u g {\"a\":1}'] tool_calls"]),
    ("signatures and citations are no text", START
     + event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "s"}})
     + event("contentBlockDelta", contentBlockIndex=0, delta={"citation": {"title": "t"}}) + text("a") + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    ("unknown events say nothing", START + event("laterInvention", a=1) + text("a") + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    ("a guardrail", START + text("a") + end("guardrail_intervened"), ["text 'a'", "completed 'a' content_filter"]),
    ("a full window", START + text("a") + end("model_context_window_exceeded"), ["text 'a'", "completed 'a' length"]),
    ("a reason to come", START + text("a") + end("later_invention"), ["text 'a'", "completed 'a' other"]),
    ("stopped, and no metadata", START + text("a") + event("messageStop", stopReason="end_turn"),
     ["text 'a'", "failed StreamTruncatedError"]),
    ("metadata, and not stopped", START + text("a") + METADATA, ["text 'a'", "failed StreamTruncatedError"]),
    ("the last message is torn", (START + text("a") + end("end_turn"))[:-1], ["text 'a'", "failed StreamTruncatedError"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("a checksum that is wrong", START + text("a") + bytes(BROKEN) + end("end_turn"),
     ["text 'a'", "failed MalformedResponseError"]),
    ("bytes that are no message", b"data: hello, this is no event stream at all\n\n", ["failed MalformedResponseError"]),
    ("an event that lacks a field", START + event("contentBlockStart", contentBlockIndex=0,
     start={"toolUse": {}}) + end("end_turn"), ["failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_of_hosts_that_speak_the_format(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as server:
        assert streamed(llm_of(server), way, "Hi").transcript == ["started", *told]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b'{"output": {}}', b"[]", b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as server:
        ran = in_session(llm_of(server, stream=False), way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)
    assert ran.transcript == ["started", "failed MalformedResponseError"]


@pytest.mark.parametrize("way", WAYS)
def test_credentials_are_needed(way: Way, server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UsageError, match="credentials"):
        called(llm_of(server), way, "Hi")


def test_a_region_is_needed_where_there_is_no_endpoint() -> None:
    with pytest.raises(UsageError, match="region"):
        LLM("bedrock/us.amazon.nova-micro-v1:0").call("Hi")


def test_a_missing_sdk_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "harness.providers.bedrock_sdk", raising=False)
    with pytest.raises(UsageError, match=r"stream-harness\[bedrock\]"):
        importlib.import_module("harness.providers.bedrock_sdk")


@pytest.mark.parametrize("way", WAYS)
def test_every_live_answer_says_what_an_independent_reading_finds(way: Way, corpus: Path) -> None:
    for exchange in live_exchanges(corpus, "bedrock"):
        assert heard(exchange.path, exchange.number, way) == read(exchange.content_type, exchange.body), str(exchange)


def test_every_live_cassette_replays(corpus: Path) -> None:
    for path in {exchange.path for exchange in live_exchanges(corpus, "bedrock")}:
        for replayed in replay_cassette(path):
            assert (replayed.problems, replayed.error) == ([], None), f"{path.name} {replayed.interaction}"
