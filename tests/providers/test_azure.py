"""Models on Azure, on loopback and from recordings: where requests go, what comes of the answer, how it ends."""

from __future__ import annotations

import asyncio
import itertools
import json
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
from harness.providers.azure_request import parse_recorded, wire_body
from harness.providers.recognition import recognized
from harness.recording.replay import replay_cassette
from harness.recording.tape import playing
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.llm.scripted import WAYS, Ran, Way, in_session, streamed, text_of
from tests.providers import reading_azure, reading_openai_responses
from tests.providers.playing_again import again, heard
from tests.providers.reading import live_exchanges
from tests.servers.azure import AzureServer
from tests.servers.openai_chat_scenarios import (
    BERGEN_CALL,
    HARBOUR_TEXT,
    NARVIK_CALL,
    REPORT_JSON,
    SCENARIOS,
    UNICODE_TEXT,
    Call,
)
from tests.servers.openai_responses_scenarios import TIDE_TEXT
from tests.servers.raw import Raw

pytest.importorskip("azure.ai.inference", reason="the extra `azure` is not installed")

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
]


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture
def server() -> Iterator[AzureServer]:
    with AzureServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEY", "ENDPOINT"):
        for prefix in ("AZURE_API_", "AZURE_OPENAI_API_", "AZURE_", "AZURE_OPENAI_"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.delenv("AZURE_API_VERSION", raising=False)
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)


def llm_of(server: AzureServer | Raw, **settings: Any) -> LLM:
    base_url = server.base_url if isinstance(server, AzureServer) else server.origin
    defaults: dict[str, Any] = {"base_url": base_url, "api_key": "k", "api_version": "2024-12-01-preview"}
    return LLM("azure/gpt-4o-mini", **{**defaults, "max_retries": 0, **settings})


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
    reason: str = "stop"
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = [
    Answer("text", HARBOUR_TEXT),
    Answer("unicode", UNICODE_TEXT),
    Answer("tool_call", calls=(BERGEN_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("parallel_tool_calls", calls=(BERGEN_CALL, NARVIK_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("length", "One wave, two", reason="length", settings={"max_tokens": 4}),
    Answer("refusal", "I'm sorry, I can't help with forging papers."),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: AzureServer
) -> None:
    ran = ask(llm_of(server, **answer.settings), way, streams, SCENARIOS[answer.scenario].prompt, **answer.keywords)
    assert ran.error is None
    completed = ran.frames[-1].data
    if answer.calls:
        functions = [call["function"] for call in completed["response"]]
        assert [(one["name"], one["arguments"]) for one in functions] == [
            (one.name, one.arguments) for one in answer.calls
        ]
        assert len({call["id"] for call in completed["response"]}) == len(answer.calls)
    else:
        assert completed["response"] == answer.text
    if streams:
        assert text_of(ran.frames) == answer.text
    assert completed["finish_reason"] == completed["raw_finish_reason"] == answer.reason
    assert completed["usage"].keys() >= {"prompt_tokens", "completion_tokens", "total_tokens", "cached_prompt_tokens"}
    assert completed["raw_usage"]["total_tokens"] == completed["usage"]["total_tokens"] > 0
    assert completed["response_id"].startswith("chatcmpl-")


def test_the_request_goes_to_the_deployment_with_version_and_key(server: AzureServer) -> None:
    llm_of(server).call(SCENARIOS["text"].prompt)
    (request,) = server.requests
    assert request.path == "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-12-01-preview"
    assert request.headers["api-key"] == "k"
    assert request.body == {"messages": [{"role": "user", "content": SCENARIOS["text"].prompt}]}


@pytest.mark.parametrize("way", WAYS)
def test_the_responses_api_of_a_resource_is_a_model_of_its_own(way: Way, server: AzureServer) -> None:
    llm = LLM("azure-responses/gpt-4o-mini", base_url=f"{server.origin}/openai/v1", api_key="k", thinking=True)
    ran = streamed(llm, way, "When is high water?")
    assert ran.result == TIDE_TEXT
    assert ran.frames[0].data["model"] == "gpt-4o-mini"


@dataclass(frozen=True)
class Failing:
    scenario: str
    streams: bool
    kind: type[ProviderError]
    status: int | None = None
    code: str | None = None
    retryable: bool = False
    has_request_id: bool = True


FAILURES = [
    Failing("bad_key", True, ProviderStatusError, 401, "invalid_api_key"),
    Failing("bad_key", False, ProviderStatusError, 401, "invalid_api_key"),
    Failing("rate_limit", True, ProviderStatusError, 429, "rate_limit_exceeded", retryable=True),
    Failing("stream_error", True, ProviderError),
    Failing("server_error", False, ProviderStatusError, 500, retryable=True),
    Failing("truncated", True, StreamTruncatedError, retryable=True),
    Failing("truncated_eof", True, StreamTruncatedError, retryable=True),
    Failing("truncated_reset", True, StreamTruncatedError, retryable=True),
    Failing("truncated_eof", False, ProviderConnectionError, retryable=True, has_request_id=False),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "failing", FAILURES, ids=lambda one: f"{one.scenario} {'streamed' if one.streams else 'whole'}"
)
def test_a_failure_is_one_failed_frame_and_a_typed_error(failing: Failing, way: Way, server: AzureServer) -> None:
    ran = ask(llm_of(server), way, failing.streams, SCENARIOS[failing.scenario].prompt)
    assert type(ran.error) is failing.kind
    error: ProviderError = ran.error
    assert (error.provider, error.status, error.code, error.retryable) == (
        "azure", failing.status, failing.code, failing.retryable,
    )  # fmt: skip
    assert (error.request_id is not None) is failing.has_request_id
    assert [frame.type for frame in ran.frames].count("llm_call_failed") == 1


def event(delta: Mapping[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"id": "c", "choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
#: Streams that Azure may send.
STREAMS = [
    ("text", event({"content": "é"}, "stop") + DONE, ["text 'é'", "completed 'é' stop"]),
    ("reasoning", event({"reasoning_content": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    ("filtered", event({"content": "a"}, "content_filter") + DONE, ["text 'a'", "completed 'a' content_filter"]),
    ("several choices", event({"content": "a"}) + event({"content": "b"}, index=1) + event({}, "stop") + DONE,
     ["text 'a'", "completed 'a' stop"]),
    ("an end at once", DONE, ["completed '' None"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("an end that lacks its line", event({"content": "a"}, "stop") + b"data: [DO", ["text 'a'", "failed StreamTruncatedError"]),
    ("an error event", event({"content": "a"}) + b'data: {"error": {"code": "x", "message": "no"}}\n\n' + DONE,
     ["text 'a'", "failed ProviderError"]),
    ("an event that is no JSON", event({"content": "a"}) + b"data: {oops\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
    ("lines end in CRLF", (event({"content": "a"}, "stop") + DONE).replace(b"\n", b"\r\n"),
     ["text 'a'", "completed 'a' stop"]),
    ("no space after data:", event({"content": "a"}, "stop") + b"data:[DONE]\n\n", ["text 'a'", "completed 'a' stop"]),
    ("comments and names", b": waiting\n\nevent: x\n" + event({"content": "a"}, "stop") + DONE,
     ["text 'a'", "completed 'a' stop"]),
    ("bytes that are no UTF-8", b"data: \xff\n\n" + DONE, ["failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_are_heard_as_they_are(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as raw:
        assert streamed(llm_of(raw), way, "Hi").transcript == ["started", *told]


def test_frames_are_the_same_at_every_split() -> None:
    body = event({"content": "é 🗼"}) + b": waiting\r\n\r\n" + event({}, "stop") + DONE
    headers = (("content-type", "text/event-stream"),)
    url = "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1"
    asked = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "stream_options": {"include_usage": True}}
    request = WireRequest("POST", url, (), json.dumps(asked).encode())
    llm = LLM("azure/d", base_url="https://r.openai.azure.com", api_version="1", api_key="k", max_retries=0)
    for ends in ([*range(1, len(body) + 1)], *([at, len(body)] for at in range(1, len(body), 3))):
        chunks = tuple(Chunk(start, end - start, 0.0) for start, end in itertools.pairwise([0, *ends]))
        response = WireResponse(200, "OK", headers, body, chunks, Ending("complete", None, 0.0), ())
        with playing(Path("split"), (Interaction(request, response),)):
            transcript = streamed(llm, "sync", "Hi").transcript
        assert transcript == ["started", "text 'é 🗼'", "completed 'é 🗼' stop"], f"pieces end at {ends[:3]}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as raw:
        ran = in_session(llm_of(raw, stream=False), way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)


def test_closing_a_session_ends_the_connection_that_it_waits_for(server: AzureServer) -> None:
    session = llm_of(server).stream_events(SCENARIOS["blocked_body"].prompt)
    reader = threading.Thread(target=lambda: list(session))
    reader.start()
    server.wait_for(lambda: server.held == 1)
    session.close()
    server.wait_for(lambda: server.disconnects == 1)
    reader.join(10)
    assert not reader.is_alive()
    assert session.is_cancelled


def test_closing_an_async_session_ends_the_connection_that_it_waits_for(server: AzureServer) -> None:
    async def close_while_it_waits() -> None:
        session = llm_of(server).astream(SCENARIOS["blocked_body"].prompt)

        async def read_all() -> None:
            async for _ in session:
                pass

        reader = asyncio.create_task(read_all())
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        await session.aclose()
        await asyncio.wait_for(reader, 10)
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)

    asyncio.run(close_while_it_waits())


@pytest.mark.parametrize(
    ("url", "body", "model"),
    [
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", {}, "azure/d"),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", {"model": "d"}, "azure/d"),
        ("https://m.models.ai.azure.com/chat/completions?api-version=1", {"model": "phi"}, "azure/phi"),
        ("https://m.services.ai.azure.com/models/chat/completions?api-version=1", {"model": "phi"}, "azure/phi"),
        ("https://r.openai.azure.com/openai/v1/chat/completions", {"model": "d"}, "openai/d"),
        ("https://r.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=1",
         {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}}, "azure/gpt-5"),
    ],
)  # fmt: skip
def test_a_recorded_url_names_model_endpoint_and_version(url: str, body: dict[str, Any], model: str) -> None:
    sent = {"messages": [{"role": "user", "content": "Hi"}], **body}
    call = parse_recorded(url, json.dumps(sent).encode())
    llm, request = again(call)
    assert call.model == model
    api = recognized("POST", url)
    assert api is not None
    assert api.provider == "azure"
    assert f"{llm.base_url}/chat/completions" == url.partition("?")[0]
    if model.startswith("azure/"):
        assert llm.api_version == "1"
        assert wire_body(llm, request, llm.base_url or "") == sent


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://r.openai.azure.com/openai/v1/responses/compact", "/compact"),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1&debug=1", "debug"),
    ],
)
def test_a_url_that_can_not_be_rebuilt_is_named(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse_recorded(url, b'{"messages": [{"role": "user", "content": "Hi"}]}')


@pytest.mark.parametrize("model", ["azure/d", "azure-responses/d"])
def test_endpoint_and_key_are_needed_and_their_variables_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="AZURE_API_KEY"):
        LLM(model, base_url="https://r.openai.azure.com").call("Hi")
    monkeypatch.setenv("AZURE_API_KEY", "k")
    with pytest.raises(UsageError, match="AZURE_ENDPOINT"):
        LLM(model).call("Hi")


@pytest.mark.parametrize("way", WAYS)
def test_every_live_answer_says_what_an_independent_reading_finds(way: Way, corpus: Path) -> None:
    for exchange in live_exchanges(corpus, "azure"):
        read = reading_openai_responses.read if exchange.url.endswith("/responses") else reading_azure.read
        assert heard(exchange.path, exchange.number, way) == read(exchange.content_type, exchange.body), str(exchange)


def test_every_live_cassette_replays(corpus: Path) -> None:
    for path in {exchange.path for exchange in live_exchanges(corpus, "azure")}:
        for replayed in replay_cassette(path):
            assert (replayed.problems, replayed.error) == ([], None), f"{path.name} {replayed.interaction}"
