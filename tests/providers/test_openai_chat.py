"""OpenAI chat completions against a provider on loopback: what is sent, what comes of the answer, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
)
from harness.llm import LLM
from harness.llm.recorded import OMIT
from harness.recording.tape import playing
from harness.recording.wire import (
    Chunk,
    Ending as TapeEnding,
    Interaction,
    WireRequest as TapeRequest,
    WireResponse as TapeResponse,
)
from tests.llm.scripted import WAYS, Ran, Way, called, in_session, streamed
from tests.servers.openai_chat import OpenAIChatServer
from tests.servers.openai_chat_scenarios import (
    BERGEN_CALL,
    HARBOUR_TEXT,
    NARVIK_CALL,
    REPORT_JSON,
    SCENARIOS,
    TIDE_CALL,
    UNICODE_TEXT,
    Call,
    Failure,
    Scenario,
)
from tests.servers.wire_server import WireRequest, WireResponse, WireServer

KEY = "a-key-for-loopback"
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


def llm_of(server: OpenAIChatServer, **settings: Any) -> LLM:
    return LLM(
        settings.pop("model", "openai/gpt-4o-mini"),
        base_url=server.base_url,
        api_key=KEY,
        **{"max_retries": 0, **settings},
    )


def ask(llm: LLM, way: Way, streams: bool, prompt: str, **keywords: Any) -> Ran:
    if streams:
        return streamed(llm, way, prompt, **keywords)
    llm.stream = False
    return in_session(llm, way, prompt, **keywords)


def calls(*asked: Call) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in asked]


@dataclass(frozen=True)
class Answer:
    scenario: str
    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    reason: str = "stop"
    completion_tokens: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = [
    Answer("text", HARBOUR_TEXT),
    Answer("unicode", UNICODE_TEXT),
    Answer("tool_call", calls=calls(BERGEN_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer(
        "parallel_tool_calls", calls=calls(BERGEN_CALL, NARVIK_CALL), reason="tool_calls", keywords={"tools": TOOLS}
    ),
    Answer("two_tools", calls=calls(BERGEN_CALL, TIDE_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("length", "One wave, two", reason="length", completion_tokens=4, settings={"max_tokens": 4}),
    Answer("refusal", "I'm sorry, I can't help with forging papers."),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: OpenAIChatServer
) -> None:
    llm = llm_of(server, **answer.settings)
    ran = ask(llm, way, streams, SCENARIOS[answer.scenario].prompt, **answer.keywords)
    assert ran.error is None
    completed = ran.frames[-1].data
    response = completed["response"]
    if answer.calls:
        assert [(call["function"]["name"], call["function"]["arguments"]) for call in response] == answer.calls
        assert len({call["id"] for call in response}) == len(answer.calls)
        assert ran.result == response
    else:
        assert response == answer.text
        assert ran.result == (
            Report.model_validate_json(REPORT_JSON) if "response_model" in answer.keywords else response
        )
    assert completed["finish_reason"] == completed["raw_finish_reason"] == answer.reason
    assert completed["usage"]["total_tokens"] == (
        completed["usage"]["prompt_tokens"] + completed["usage"]["completion_tokens"]
    )
    assert {"cached_prompt_tokens": 0, "reasoning_tokens": 0}.items() <= completed["usage"].items()
    if answer.completion_tokens is not None:
        assert completed["usage"]["completion_tokens"] == answer.completion_tokens
    assert llm.get_token_usage_summary().total_tokens == completed["usage"]["total_tokens"]
    chunks = [frame for frame in ran.frames if frame.type == "llm_stream_chunk"]
    assert bool(chunks) is streams
    if streams:
        assert "".join(frame.content for frame in chunks) == answer.text
        joined = dict.fromkeys((call["id"] for call in response) if answer.calls else (), "")
        for frame in chunks:
            if frame.data["call_type"] == "tool_call":
                joined[frame.data["tool_call"]["id"]] += frame.data["chunk"]
        assert list(joined.values()) == [arguments for _, arguments in answer.calls]


def test_streamed_and_whole_answers_end_in_equal_completions(server: OpenAIChatServer) -> None:
    ends = []
    for streams in (True, False):
        payload = dict(ask(llm_of(server), "sync", streams, SCENARIOS["text"].prompt).frames[-1].data)
        ends.append({key: value for key, value in payload.items() if not key.endswith("_id")})
    assert ends[0] == ends[1]


@pytest.mark.parametrize("way", WAYS)
def test_tools_that_are_given_are_run(way: Way, server: OpenAIChatServer) -> None:
    functions = {"get_weather": lambda city: f"11 degrees in {city}"}
    ran = streamed(
        llm_of(server), way, SCENARIOS["parallel_tool_calls"].prompt, tools=TOOLS, available_functions=functions
    )
    assert ran.result == ["11 degrees in Bergen", "11 degrees in Narvik"]
    assert len(server.requests) == 1
    assert ran.frames[-1].data["usage"]["completion_tokens"] > 0


@dataclass(frozen=True)
class Body:
    name: str
    settings: Mapping[str, Any]
    keywords: Mapping[str, Any]
    #: What the body holds besides model and messages.
    sent: Mapping[str, Any]
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
BODIES = [
    Body("nothing set", {}, {}, {}),
    Body("streamed", {}, {}, {"stream": True, "stream_options": {"include_usage": True}}, streams=True),
    Body("stream options of the caller", {"additional_params": {"stream_options": {"include_obfuscation": False}}}, {},
         {"stream": True, "stream_options": {"include_obfuscation": False}}, streams=True),
    Body("stream options left out", {"additional_params": {"stream_options": OMIT}}, {}, {"stream": True}, streams=True),
    Body("not streamed, as said", {"stream": False}, {}, {"stream": False}),
    Body("sampling", {"temperature": 0.0, "top_p": 0.5, "seed": 0, "frequency_penalty": 0.1, "presence_penalty": -0.1,
                      "n": 1, "logprobs": True, "top_logprobs": 2}, {},
         {"temperature": 0.0, "top_p": 0.5, "seed": 0, "frequency_penalty": 0.1, "presence_penalty": -0.1, "n": 1,
          "logprobs": True, "top_logprobs": 2}),
    Body("limit", {"max_tokens": 50}, {}, {"max_tokens": 50}),
    Body("stop", {"stop": "END"}, {}, {"stop": ["END"]}),
    Body("tools", {}, {"tools": TOOLS}, {"tools": TOOLS}),
    Body("response model", {}, {"response_model": Report},
         {"response_format": {"type": "json_schema", "json_schema": {"name": "Report", "strict": True, "schema": SCHEMA}}}),
    Body("response format", {"response_format": {"type": "json_object"}}, {}, {"response_format": {"type": "json_object"}}),
    Body("fields of the API that are no settings", {"additional_params": {"user": "ada", "service_tier": "flex"}}, {},
         {"user": "ada", "service_tier": "flex"}),
    Body("additional fields win", {"temperature": 0.1, "additional_params": {"temperature": 0.9}}, {}, {"temperature": 0.9}),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_the_body_sent_is_what_was_asked_for(body: Body, way: Way, server: OpenAIChatServer) -> None:
    llm = llm_of(server, **body.settings)
    prompt = SCENARIOS["structured" if "response_model" in body.keywords else "text"].prompt
    if body.streams:
        assert streamed(llm, way, prompt, **body.keywords).error is None
    else:
        called(llm, way, prompt, **body.keywords)
    asked = server.requests[0]
    assert asked.body == {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}], **body.sent}
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("model", "name"), [("gpt-4o", "max_tokens"), ("o3-mini", "max_completion_tokens"),
                                             ("gpt-5-nano", "max_completion_tokens")])  # fmt: skip
def test_reasoning_models_take_their_limit_under_its_newer_name(
    model: str, name: str, server: OpenAIChatServer
) -> None:
    with suppress(ProviderStatusError):  # the server has none of the reasoning models
        llm_of(server, model=f"openai/{model}", max_tokens=50, reasoning_effort="low").call(SCENARIOS["text"].prompt)
    sent = server.requests[0].body
    assert {key: sent[key] for key in sent if "tokens" in key} == {name: 50}
    assert sent["reasoning_effort"] == "low"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("scenario", "status", "code", "retryable"),
    [
        ("bad_key", 401, "invalid_api_key", False),
        ("rate_limit", 429, "rate_limit_exceeded", True),
        ("server_error", 500, None, True),
    ],
)
def test_http_errors_keep_provider_status_code_and_request_id(
    scenario: str, status: int, code: str | None, retryable: bool, streams: bool, way: Way, server: OpenAIChatServer
) -> None:
    ran = ask(llm_of(server), way, streams, SCENARIOS[scenario].prompt)
    error = ran.error
    assert isinstance(error, ProviderStatusError)
    assert (error.provider, error.status, error.code, error.retryable) == ("openai", status, code, retryable)
    assert (error.request_id or "").startswith("req_")
    failure = SCENARIOS[scenario].replies[0]
    assert isinstance(failure, Failure)
    assert failure.message in str(error)
    assert ran.transcript == ["started", "failed ProviderStatusError"]
    assert ran.frames[-1].data["error"] == str(error)


def test_an_unknown_model_is_the_providers_error(server: OpenAIChatServer) -> None:
    with pytest.raises(ProviderStatusError, match="`gpt-0` does not exist") as raised:
        llm_of(server, model="openai/gpt-0").call("Hi")
    assert (raised.value.status, raised.value.code) == (404, "model_not_found")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "keywords", "error", "told"),
    [
        ("stream_error", {}, ProviderError, "reported an error inside the stream: The server had an error"),
        ("truncated", {}, StreamTruncatedError, "ended before its end marker"),
        ("truncated_eof", {}, StreamTruncatedError, "was cut before its end marker"),
        ("truncated_reset", {}, StreamTruncatedError, "was cut before its end marker"),
        ("truncated_tool_call", {"tools": TOOLS}, StreamTruncatedError, "was cut before its end marker"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure_after_the_chunks_that_came(
    scenario: str,
    keywords: Mapping[str, Any],
    error: type[ProviderError],
    told: str,
    way: Way,
    server: OpenAIChatServer,
) -> None:
    ran = streamed(llm_of(server), way, SCENARIOS[scenario].prompt, **keywords)
    assert type(ran.error) is error
    assert told in str(ran.error)
    assert isinstance(ran.error, ProviderError)
    assert ran.error.provider == "openai"
    assert ran.transcript[0] == "started"
    assert len(ran.transcript) > 2
    assert all(line.startswith(("text", "call")) for line in ran.transcript[1:-1])
    assert ran.transcript[-1] == f"failed {error.__name__}"
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", ["truncated_eof", "truncated_reset"])
def test_a_whole_answer_that_breaks_off_is_a_failure(scenario: str, way: Way, server: OpenAIChatServer) -> None:
    ran = ask(llm_of(server), way, False, SCENARIOS[scenario].prompt)
    assert isinstance(ran.error, ProviderConnectionError)
    assert ran.transcript == ["started", "failed ProviderConnectionError"]


def test_a_port_where_nobody_listens_is_a_connection_error() -> None:
    with OpenAIChatServer() as server:
        llm = llm_of(server)
    with pytest.raises(ProviderConnectionError, match="no answer from openai") as raised:
        llm.call("Hi")
    assert (raised.value.status, raised.value.retryable) == (None, True)


#: Where an answer is held → the last frame that has come by then.
BLOCKED = {"blocked_head": "llm_call_started", "blocked_body": "llm_stream_chunk"}


@pytest.mark.parametrize(("scenario", "last"), BLOCKED.items())
def test_closing_ends_the_connection_of_a_run_that_is_blocked_in_it(
    scenario: str, last: str, server: OpenAIChatServer
) -> None:
    session = llm_of(server).stream_events(SCENARIOS[scenario].prompt)
    came = threading.Event()

    def read() -> None:
        for frame in session:
            if frame.type == last:
                came.set()

    reader = threading.Thread(target=read)
    reader.start()
    server.wait_for(lambda: server.held == 1)
    assert came.wait(10)
    session.close()
    reader.join(10)
    assert not reader.is_alive()
    # The server is still holding: that it sees its client gone is closing's doing alone.
    server.wait_for(lambda: server.disconnects == 1)
    assert not server.hold.is_set()
    assert session.frames[-1].type == last


@pytest.mark.parametrize(("scenario", "last"), BLOCKED.items())
def test_closing_an_async_session_ends_its_connection(scenario: str, last: str, server: OpenAIChatServer) -> None:
    async def run() -> list[Any]:
        came = asyncio.Event()
        session = llm_of(server).astream(SCENARIOS[scenario].prompt)

        async def read() -> None:
            async for frame in session:
                if frame.type == last:
                    came.set()

        reader = asyncio.create_task(read())
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        await came.wait()
        await session.aclose()
        await asyncio.wait_for(reader, 10)
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)
        return session.frames

    assert asyncio.run(run())[-1].type == last
    assert not server.hold.is_set()


@pytest.mark.parametrize("scenario", ["blocked_head", "blocked_body"])
def test_cancelling_the_consumer_ends_the_connection(scenario: str, server: OpenAIChatServer) -> None:
    llm, prompt = llm_of(server), SCENARIOS[scenario].prompt

    async def run() -> None:
        async def read() -> None:
            async for _ in llm.astream(prompt):
                pass

        reader = asyncio.create_task(read())
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)

    asyncio.run(run())


def test_a_session_that_nobody_holds_any_more_ends_its_connection(server: OpenAIChatServer) -> None:
    frames = iter(llm_of(server).stream_events(SCENARIOS["blocked_body"].prompt))
    next(frames)
    server.wait_for(lambda: server.held == 1)
    del frames
    server.wait_for(lambda: server.disconnects == 1)


def test_closing_one_session_leaves_another_of_the_same_llm_alone(server: OpenAIChatServer) -> None:
    llm = llm_of(server)
    sessions = [llm.stream_events(SCENARIOS["blocked_body"].prompt) for _ in range(2)]
    readers = [threading.Thread(target=lambda one=session: list(one)) for session in sessions]
    for reader in readers:
        reader.start()
    server.wait_for(lambda: server.held == 2)
    sessions[0].close()
    server.wait_for(lambda: server.disconnects == 1)
    server.hold.set()
    for reader in readers:
        reader.join(10)
    assert sessions[1].result == HARBOUR_TEXT
    assert sessions[0].is_cancelled


class FailsFirst(OpenAIChatServer):
    """Answers the first requests with an error that may pass, and says that a retry need not wait."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures_left = failures

    def answer(self, request: WireRequest) -> WireResponse:
        answered = super().answer(request)
        if self.failures_left:
            self.failures_left -= 1
            return WireResponse(503, (("retry-after-ms", "1"), ("content-type", "application/json")), (b"{}",), 2)
        return answered


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("failures", "retries", "requests", "last"),
    [(0, 2, 1, "completed"), (2, 2, 3, "completed"), (2, 1, 2, "failed"), (1, 0, 1, "failed")],
)
def test_retries_are_the_sdks_and_only_the_attempt_that_counts_has_frames(
    failures: int, retries: int, requests: int, last: str, way: Way
) -> None:
    with FailsFirst(failures) as server:
        ran = streamed(llm_of(server, max_retries=retries), way, SCENARIOS["text"].prompt)
        assert len(server.requests) == requests
    assert [line.split()[0] for line in (ran.transcript[0], ran.transcript[-1])] == ["started", last]
    assert sum(line.startswith(("completed", "failed")) for line in ran.transcript) == 1


class Raw(WireServer):
    """Answers every request with the same bytes."""

    def __init__(self, body: bytes, content_type: str = "text/event-stream") -> None:
        super().__init__()
        self._response = WireResponse(200, (("content-type", content_type), ("x-request-id", "req_raw")), (body,))

    def answer(self, request: WireRequest) -> WireResponse:
        return self._response


def event(delta: Mapping[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def piece(index: int, arguments: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"tool_calls": [{"index": index, "function": function, **({"id": id, "type": "function"} if id else {})}]}


DONE = b"data: [DONE]\n\n"
#: What hosts that speak this format send besides what OpenAI does.
STREAMS = [
    ("reasoning_content", event({"reasoning_content": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    ("reasoning", event({"reasoning": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    ("all calls numbered 0", event(piece(0, "{}", "a", "add")) + event(piece(0, "{", "b", "sub")) + event(piece(0, "}"))
     + event({}, "tool_calls") + DONE,
     ["call 0 a add '{}' of {}", "call 1 b sub '{' of {", "call 1 b sub '}' of {}",
      "completed ['a add {}', 'b sub {}'] tool_calls"]),
    ("several choices", event({"content": "yes"}) + event({"content": "no"}, index=1) + event({}, "stop")
     + event({}, "length", index=1) + DONE, ["text 'yes'", "completed 'yes' stop"]),
    ("no space after data:", event({"content": "a"}, "stop") + b"data:[DONE]\n\n", ["text 'a'", "completed 'a' stop"]),
    ("a reason of the host's own", event({"content": "a"}, "eos") + DONE, ["text 'a'", "completed 'a' other"]),
    ("function_call", event({"content": "a"}, "function_call") + DONE, ["text 'a'", "completed 'a' tool_calls"]),
    ("filtered", event({"content": "a"}, "content_filter") + DONE, ["text 'a'", "completed 'a' content_filter"]),
    ("no reason", event({"content": "a"}) + DONE, ["text 'a'", "completed 'a' None"]),
    ("comments", b": waiting\n\n" + event({"content": "a"}, "stop") + DONE, ["text 'a'", "completed 'a' stop"]),
    ("lines end in CRLF", (event({"content": "a"}, "stop") + DONE).replace(b"\n", b"\r\n"),
     ["text 'a'", "completed 'a' stop"]),
    ("the marker in the text is no end", event({"content": "[DONE]"}, "stop") + event({"content": "data: [DONE]"}),
     ["text '[DONE]'", "text 'data: [DONE]'", "failed StreamTruncatedError"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("an end at once", DONE, ["completed '' None"]),
    ("an event that is no JSON", event({"content": "a"}) + b"data: {oops\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
    ("bytes that are no UTF-8", event({"content": "a"}) + b"data: \xff\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_of_hosts_that_speak_the_format(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as server:
        llm = LLM("openai/m", base_url=server.origin, api_key=KEY, max_retries=0)
        assert streamed(llm, way, "Hi").transcript == ["started", *told]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b'{"id": "c1", "choices": []}', b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as server:
        llm = LLM("openai/m", base_url=server.origin, api_key=KEY, max_retries=0, stream=False)
        ran = in_session(llm, way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)
    assert ran.transcript == ["started", "failed MalformedResponseError"]


URL = "https://api.openai.com/v1/chat/completions"


def played(llm: LLM, body: bytes, ends: list[int]) -> list[str]:
    """Return what a stream gives whose bytes arrive in pieces that end at `ends`."""
    chunks = tuple(Chunk(start, end - start, 0.0) for start, end in itertools.pairwise([0, *ends]))
    headers = (("content-type", "text/event-stream; charset=utf-8"),)
    response = TapeResponse(200, "OK", headers, body, chunks, TapeEnding("complete", None, 0.0), ())
    messages = [{"role": "user", "content": "Hi"}]
    asked = {"model": "m", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    request = TapeRequest("POST", URL, (), json.dumps(asked).encode())
    with playing(Path("split"), (Interaction(request, response),)):
        return streamed(llm, "sync", "Hi").transcript


SPLIT = event({"role": "assistant", "content": ""}) + event({"content": "é 🗼"}) + event({}, "stop") + DONE


def test_frames_are_the_same_however_the_bytes_are_split() -> None:
    llm = LLM("openai/m", api_key=KEY, max_retries=0)
    length = len(SPLIT)
    ways = [list(range(1, length + 1)), [*range(3, length, 3), length], *([at, length] for at in range(1, length))]
    for ends in ways:
        assert played(llm, SPLIT, ends) == ["started", "text 'é 🗼'", "completed 'é 🗼' stop"], f"pieces end at {ends}"


def test_a_script_of_ones_own_answers_in_steps() -> None:
    scenario = Scenario("Is it late?", (Failure(418, "Only tea.", "teapot", code="teapot"),))
    with OpenAIChatServer({"late": scenario}) as server, pytest.raises(ProviderStatusError) as raised:
        llm_of(server).call("Is it late?")
    assert (raised.value.status, raised.value.code, raised.value.retryable) == (418, "teapot", False)
