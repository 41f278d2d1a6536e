"""OpenAI's Responses API on loopback and from recordings: what is sent, what comes of the answer, how it ends."""

from __future__ import annotations

import asyncio
import csv
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
from harness.llm.recorded import OMIT
from harness.providers.openai_responses import OpenAIResponses
from harness.recording.cassette_reader import read_cassette
from harness.recording.replay import replay_cassette
from harness.recording.wire import Interaction
from tests.llm.scripted import WAYS, Ran, Way, called, in_session, streamed, text_of
from tests.providers.playing_again import heard
from tests.providers.reading_openai_responses import read
from tests.servers.openai_chat_scenarios import (
    BERGEN_CALL,
    HARBOUR_TEXT,
    NARVIK_CALL,
    REPORT_JSON,
    TIDE_CALL,
    UNICODE_TEXT,
    Call,
    Scenario,
)
from tests.servers.openai_chat_wire import pieces
from tests.servers.openai_responses import OpenAIResponsesServer
from tests.servers.openai_responses_scenarios import SCENARIOS, SEARCH_TEXT, SUMMARY, TIDE_TEXT, Answer as Reply
from tests.servers.raw import Raw

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]


class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


@pytest.fixture
def server() -> Iterator[OpenAIResponsesServer]:
    with OpenAIResponsesServer() as running:
        yield running


def llm_of(server: OpenAIResponsesServer, **settings: Any) -> LLM:
    defaults: dict[str, Any] = {"base_url": server.base_url, "api_key": "a-key-for-loopback", "max_retries": 0}
    return LLM(settings.pop("model", "openai-responses/gpt-4o-mini"), **{**defaults, **settings})


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
    raw_reason: str = "completed"
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = [
    Answer("text", HARBOUR_TEXT),
    Answer("unicode", UNICODE_TEXT),
    Answer("thinking", TIDE_TEXT, thinking="".join(SUMMARY), settings={"reasoning_effort": "low", "thinking": True}),
    Answer("tool_call", calls=(BERGEN_CALL,), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("parallel_tool_calls", calls=(BERGEN_CALL, NARVIK_CALL), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("text_and_tool", "I will look at the tide table.", (TIDE_CALL,), SUMMARY[0], "tool_calls",
           keywords={"tools": TOOLS}),
    Answer("web_search", SEARCH_TEXT, keywords={"tools": [*TOOLS, {"type": "web_search"}]}),
    Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
    Answer("length", "One wave, two", reason="length", raw_reason="max_output_tokens", settings={"max_tokens": 4}),
    Answer("refusal", "I'm sorry, I can't help with forging papers."),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.scenario)
def test_an_answer_arrives_whole_with_usage_and_reason(
    answer: Answer, streams: bool, way: Way, server: OpenAIResponsesServer
) -> None:
    llm = llm_of(server, **answer.settings)
    ran = ask(llm, way, streams, SCENARIOS[answer.scenario].prompt, **answer.keywords)
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
    if "response_model" in answer.keywords:
        assert ran.result == Report.model_validate_json(REPORT_JSON)
    if streams:
        assert text_of(ran.frames) == answer.text
        thinking = [frame.data["chunk"] for frame in ran.frames if frame.type == "llm_thinking_chunk"]
        assert "".join(thinking) == answer.thinking
    assert (completed["finish_reason"], completed["raw_finish_reason"]) == (answer.reason, answer.raw_reason)
    assert completed["raw_usage"]["output_tokens"] == completed["usage"]["completion_tokens"] > 0
    assert completed["usage"]["reasoning_tokens"] == completed["raw_usage"]["output_tokens_details"]["reasoning_tokens"]
    assert completed["response_id"].startswith("resp_")


def test_streamed_and_whole_answers_end_in_equal_completions(server: OpenAIResponsesServer) -> None:
    ends = []
    for streams in (True, False):
        payload = dict(ask(llm_of(server), "sync", streams, SCENARIOS["text"].prompt).frames[-1].data)
        ends.append({key: value for key, value in payload.items() if not key.endswith("_id")})
    assert ends[0] == ends[1]


@pytest.mark.parametrize("way", WAYS)
def test_the_end_of_the_answer_is_the_end_of_the_call_though_the_connection_stays(way: Way) -> None:
    events = len(tuple(pieces(HARBOUR_TEXT))) + 9
    prompt = SCENARIOS["text"].prompt
    with OpenAIResponsesServer({"held": Scenario(prompt, (Reply(HARBOUR_TEXT, hold=events),))}) as holding:
        ran = streamed(llm_of(holding), way, prompt)
        assert (ran.error, ran.result) == (None, HARBOUR_TEXT)
        holding.wait_for(lambda: holding.held == 1)


@dataclass(frozen=True)
class Failing:
    scenario: str
    kind: type[ProviderError]
    status: int | None = None
    code: str | None = None
    retryable: bool = False
    has_request_id: bool = True


STREAM_FAILURES = [
    Failing("bad_key", ProviderStatusError, 401, "invalid_api_key"),
    Failing("rate_limit", ProviderStatusError, 429, "rate_limit_exceeded", retryable=True),
    Failing("stream_error", ProviderError, None, "server_error", retryable=True),
    Failing("response_failed", ProviderError, None, "server_error", retryable=True),
    Failing("truncated", StreamTruncatedError, retryable=True),
    Failing("truncated_eof", StreamTruncatedError, retryable=True),
    Failing("truncated_reset", StreamTruncatedError, retryable=True),
]
WHOLE_FAILURES = [
    Failing("bad_key", ProviderStatusError, 401, "invalid_api_key"),
    Failing("stream_error", ProviderStatusError, 500, "server_error", retryable=True),
    Failing("response_failed", ProviderError, None, "server_error", retryable=True),
    Failing("truncated_eof", ProviderConnectionError, retryable=True, has_request_id=False),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("streams", "failing"),
    [(True, one) for one in STREAM_FAILURES] + [(False, one) for one in WHOLE_FAILURES],
    ids=lambda value: value.scenario if isinstance(value, Failing) else ("streamed" if value else "whole"),
)
def test_a_failure_is_one_failed_frame_and_a_typed_error(
    streams: bool, failing: Failing, way: Way, server: OpenAIResponsesServer
) -> None:
    ran = ask(llm_of(server), way, streams, SCENARIOS[failing.scenario].prompt)
    assert type(ran.error) is failing.kind
    error: ProviderError = ran.error
    assert (error.provider, error.status, error.code, error.retryable) == (
        "openai", failing.status, failing.code, failing.retryable,
    )  # fmt: skip
    assert (error.request_id is not None) is failing.has_request_id
    assert [frame.type for frame in ran.frames].count("llm_call_failed") == 1
    assert ran.frames[-1].type == "llm_call_failed"


@dataclass(frozen=True)
class Body:
    name: str
    settings: Mapping[str, Any]
    keywords: Mapping[str, Any]
    #: What the body holds besides model and input.
    sent: Mapping[str, Any]


FUNCTION = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
BODIES = [
    Body("nothing set", {}, {}, {}),
    Body("not streamed, as said", {"stream": False}, {}, {"stream": False}),
    Body("sampling", {"temperature": 0.0, "top_p": 0.5, "top_logprobs": 2}, {},
         {"temperature": 0.0, "top_p": 0.5, "top_logprobs": 2}),
    Body("logprobs", {"logprobs": True}, {}, {"include": ["message.output_text.logprobs"]}),
    Body("limit", {"max_tokens": 50}, {}, {"max_output_tokens": 50}),
    Body("effort", {"reasoning_effort": "high"}, {}, {"reasoning": {"effort": "high"}}),
    Body("thinking", {"thinking": True}, {}, {"reasoning": {"summary": "auto"}}),
    Body("kind of thinking", {"reasoning_effort": "low", "thinking": "concise"}, {},
         {"reasoning": {"effort": "low", "summary": "concise"}}),
    Body("tools in their places", {}, {"tools": [{"type": "web_search"}, TOOLS[0], {"type": "file_search", "vector_store_ids": ["vs_1"]}]},
         {"tools": [{"type": "web_search"}, FUNCTION, {"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
    Body("a chat format is made flat", {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, {},
         {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}}),
    Body("this API's own format", {"response_format": {"type": "json_object"}}, {}, {"text": {"format": {"type": "json_object"}}}),
    Body("fields that are no settings", {"additional_params": {"store": False, "truncation": "auto"}}, {},
         {"store": False, "truncation": "auto"}),
    Body("additional fields win", {"temperature": 0.1, "additional_params": {"temperature": OMIT}}, {}, {}),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_the_body_sent_is_what_was_asked_for(body: Body, way: Way, server: OpenAIResponsesServer) -> None:
    llm = llm_of(server, **body.settings)
    llm.stream = body.settings.get("stream")
    prompt = SCENARIOS["text"].prompt
    called(llm, way, prompt, **body.keywords)
    (request,) = server.requests
    asked = {"model": "gpt-4o-mini", "input": [{"role": "user", "content": prompt}]}
    assert request.body == {**asked, **body.sent}


CALL = {"id": "call_1", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}
PDF = "data:application/pdf;base64,JVBERg=="
#: Messages as users write them, and the input and instructions that come of them.
CONVERSATIONS: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]], str | None]] = [
    ("system messages that come first are instructions",
     [{"role": "system", "content": "Be brief."}, {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
      {"role": "user", "content": "Hi"}],
     [{"role": "user", "content": "Hi"}], "Be brief.\n\nBe kind."),
    ("a later system message stays in its place",
     [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}],
     [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}], None),
    ("tool calls and results",
     [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
      {"role": "tool", "tool_call_id": "call_1", "name": "get_tide", "content": "noon"}],
     [{"role": "user", "content": "Hi"},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "call_1", "output": "noon"}], None),
    ("text beside tool calls",
     [{"role": "assistant", "content": "I will look.", "tool_calls": [CALL]}],
     [{"role": "assistant", "content": "I will look."},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": "{}"}], None),
    ("images and files",
     [{"role": "user", "content": [
         {"type": "text", "text": "Look"},
         {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
         {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
         {"type": "image", "source": {"type": "file", "file_id": "file-1"}},
         {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
         {"type": "file", "file": {"file_id": "file-2"}},
         {"type": "document", "title": "b.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
         {"type": "document", "source": {"type": "url", "url": "https://example.com/c.pdf"}}]}],
     [{"role": "user", "content": [
         {"type": "input_text", "text": "Look"},
         {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
         {"type": "input_image", "image_url": "data:image/png;base64,iVBO"},
         {"type": "input_image", "file_id": "file-1"},
         {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
         {"type": "input_file", "file_id": "file-2"},
         {"type": "input_file", "filename": "b.pdf", "file_data": PDF},
         {"type": "input_file", "file_url": "https://example.com/c.pdf"}]}], None),
    ("what the assistant said in parts",
     [{"role": "assistant", "content": [{"type": "thinking", "thinking": "of another provider", "signature": "s"},
                                        {"type": "text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}]}],
     [{"role": "assistant", "content": [{"type": "output_text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}]}],
     None),
    ("blocks of another provider",
     [{"role": "assistant", "content": [{"type": "text", "text": "I will look."},
                                        {"type": "tool_use", "id": "call_1", "name": "get_tide", "input": {"day": 1}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "noon"},
                                   {"type": "text", "text": "And?"}]}],
     [{"role": "assistant", "content": [{"type": "output_text", "text": "I will look."}]},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": '{"day": 1}'},
      {"type": "function_call_output", "call_id": "call_1", "output": "noon"},
      {"role": "user", "content": [{"type": "input_text", "text": "And?"}]}], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "items", "instructions"), [row[1:] for row in CONVERSATIONS], ids=[row[0] for row in CONVERSATIONS]
)
def test_conversations_are_sent_as_items(
    messages: list[dict[str, Any]], items: list[dict[str, Any]], instructions: str | None, server: OpenAIResponsesServer
) -> None:
    with pytest.raises(ProviderStatusError, match="No scenario"):
        llm_of(server).call(messages)
    body = server.requests[0].body
    assert body["input"] == items
    assert body.get("instructions") == instructions


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ({"role": "function", "name": "f", "content": "1"}, "role 'function'"),
        ({"role": "tool", "content": "1"}, "tool_call_id"),
        ({"role": "user", "content": [{"role": "user", "content": "nested"}]}, "a message part can't stand"),
        ({"role": "user", "content": [{"type": "document", "source": {"type": "content", "content": "a"}}]}, "blocks"),
    ],
)
def test_messages_that_have_no_form_here_are_refused(message: dict[str, Any], what: str) -> None:
    llm = LLM("openai-responses/gpt-4o-mini", api_key="unused", base_url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match=what):
        llm.call([message])


@pytest.mark.parametrize("setting", [{"seed": 1}, {"stop": "END"}, {"n": 2}, {"presence_penalty": 0.1}])
def test_settings_that_this_api_lacks_are_refused_before_anything_is_sent(
    setting: dict[str, Any], server: OpenAIResponsesServer
) -> None:
    (name,) = setting
    with pytest.raises(UsageError, match=f"no '{name}'"):
        llm_of(server, **setting).call("Hi")
    assert server.requests == []


def test_thinking_that_says_nothing_known_is_refused(server: OpenAIResponsesServer) -> None:
    with pytest.raises(UsageError, match="thinking is 7"):
        llm_of(server, thinking=7).call("Hi")


@pytest.mark.parametrize("way", WAYS)
def test_a_chain_goes_on_from_the_last_answer_until_it_is_reset(way: Way, server: OpenAIResponsesServer) -> None:
    llm = llm_of(server, auto_chain=True)
    assert isinstance(llm, OpenAIResponses)
    assert llm.last_response_id is None
    first = streamed(llm, way, SCENARIOS["chain_name"].prompt)
    assert first.frames[-1].data["response_id"] == llm.last_response_id
    assert streamed(llm, way, SCENARIOS["truncated"].prompt).error is not None
    assert streamed(llm, way, SCENARIOS["chain_recall"].prompt).result == "Your name is Ada."
    llm.reset_chain()
    assert isinstance(streamed(llm, way, SCENARIOS["chain_recall"].prompt).error, ProviderStatusError)
    told = [request.body.get("previous_response_id") for request in server.requests]
    assert told == [None, first.frames[-1].data["response_id"], first.frames[-1].data["response_id"], None]


def event(kind: str, **fields: Any) -> bytes:
    told = json.dumps({"type": kind, "sequence_number": 0, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {told}\n\n".encode()


def response(status: str, **fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "status": status, "output": [], "usage": None, "error": None,
            "incomplete_details": None, **fields}  # fmt: skip


def call(place: int, name: str) -> bytes:
    item = {"type": "function_call", "id": f"fc_{name}", "call_id": name, "name": name, "arguments": ""}
    return event("response.output_item.added", item=item, output_index=place)


def arguments(place: int, delta: str) -> bytes:
    return event("response.function_call_arguments.delta", item_id="fc", output_index=place, delta=delta)


CREATED = event("response.created", response=response("in_progress"))
TEXT = event("response.output_text.delta", item_id="m", output_index=0, content_index=0, delta="é", logprobs=[])
END = event("response.completed", response=response("completed"))
FILTERED = event(
    "response.incomplete", response=response("incomplete", incomplete_details={"reason": "content_filter"})
)
#: Streams that the provider, or a host that speaks its format, may send.
STREAMS = [
    ("text", CREATED + TEXT + END, ["text 'é'", "completed 'é' stop"]),
    ("raw reasoning", CREATED + event("response.reasoning_text.delta", delta="hm", item_id="r", output_index=0, content_index=0) + END,
     ["thinking 'hm'", "completed '' stop"]),
    ("calls side by side", CREATED + call(0, "a") + call(1, "b") + arguments(1, "{}") + arguments(0, "[]") + END,
     ["call 0 a a '' of ", "call 1 b b '' of ", "call 1 b b '{}' of {}", "call 0 a a '[]' of []",
      "completed ['a a []', 'b b {}'] tool_calls"]),
    ("arguments without deltas", CREATED + call(0, "a") + event(
        "response.function_call_arguments.done", item_id="fc", output_index=0, arguments="{}") + END,
     ["call 0 a a '' of ", "call 0 a a '{}' of {}", "completed ['a a {}'] tool_calls"]),
    ("events that say nothing here", CREATED + event("response.later_invention", a=1) + TEXT + END,
     ["text 'é'", "completed 'é' stop"]),
    ("filtered", CREATED + TEXT + FILTERED, ["text 'é'", "completed 'é' content_filter"]),
    ("incomplete for another reason", CREATED + event("response.incomplete", response=response("incomplete")),
     ["completed '' other"]),
    ("failed", CREATED + TEXT + event("response.failed", response=response("failed", error={"code": "server_error", "message": "no"})),
     ["text 'é'", "failed ProviderError"]),
    ("failed without saying why", CREATED + event("response.failed", response=response("failed")), ["failed ProviderError"]),
    ("an error event", CREATED + event("error", code="x", message="no", param=None), ["failed ProviderError"]),
    ("an error event in the form of an HTTP error", CREATED + event("error", error={"message": "no", "code": "x"}),
     ["failed ProviderError"]),
    ("nothing", b"", ["failed StreamTruncatedError"]),
    ("the end is cut", CREATED + TEXT + END[:-20], ["text 'é'", "failed StreamTruncatedError"]),
    ("an event that is no JSON", CREATED + TEXT + b"event: x\ndata: {oops\n\n", ["text 'é'", "failed MalformedResponseError"]),
    ("bytes that are no UTF-8", CREATED + b"data: \xff\n\n", ["failed MalformedResponseError"]),
    ("an event that lacks a field", CREATED + event("response.output_text.delta", item_id="m"),
     ["failed MalformedResponseError"]),
    ("an end that lacks its response", CREATED + event("response.completed"), ["failed MalformedResponseError"]),
    ("a call that was never begun", CREATED + arguments(0, "{}") + END, ["failed MalformedResponseError"]),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("body", "told"), [row[1:] for row in STREAMS], ids=[row[0] for row in STREAMS])
def test_streams_are_heard_as_they_are(body: bytes, told: list[str], way: Way) -> None:
    with Raw(body) as server:
        assert streamed(raw_llm(server), way, "Hi").transcript == ["started", *told]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b'{"id": "r", "output": null}', b"[]", b"<html>", b""])
def test_a_whole_answer_that_is_none_is_malformed(body: bytes, way: Way) -> None:
    with Raw(body, "application/json") as server:
        ran = in_session(raw_llm(server, stream=False), way, "Hi")
    assert isinstance(ran.error, MalformedResponseError)


@pytest.mark.parametrize("status", ["failed", "queued"])
def test_a_whole_answer_that_is_no_end_is_a_failure(status: str) -> None:
    with Raw(json.dumps(response(status)).encode(), "application/json") as server:
        ran = in_session(raw_llm(server, stream=False), "sync", "Hi")
    assert isinstance(ran.error, ProviderError)
    assert status in str(ran.error)


def raw_llm(server: Raw, **settings: Any) -> LLM:
    return LLM("openai-responses/m", base_url=server.origin, api_key="k", max_retries=0, **settings)


def test_closing_a_session_ends_the_connection_that_it_waits_for(server: OpenAIResponsesServer) -> None:
    session = llm_of(server).stream_events(SCENARIOS["blocked_body"].prompt)
    reader = threading.Thread(target=lambda: list(session))
    reader.start()
    server.wait_for(lambda: server.held == 1)
    session.close()
    server.wait_for(lambda: server.disconnects == 1)
    reader.join(10)
    assert not reader.is_alive()
    assert session.is_cancelled


def test_closing_an_async_session_ends_the_connection_that_it_waits_for(server: OpenAIResponsesServer) -> None:
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


def live(corpus: Path) -> Iterator[tuple[Path, int, Interaction]]:
    with (corpus / "INDEX.tsv").open(newline="") as index:
        files = [row["file"] for row in csv.DictReader(index, delimiter="\t") if "openai-responses" in row["providers"]]
    for file in files:
        for number, one in enumerate(read_cassette(corpus / file), start=1):
            if one.request.url.endswith("/responses"):
                yield corpus / file, number, one


@pytest.mark.parametrize("way", WAYS)
def test_every_live_answer_says_what_an_independent_reading_finds(way: Way, corpus: Path) -> None:
    every = list(live(corpus))
    assert len(every) >= 13
    for path, number, one in every:
        sent = read(one.response.header("content-type") or "", one.response.body)
        assert heard(path, number, way) == sent, f"{path.name} {number}"


def test_every_live_cassette_replays(corpus: Path) -> None:
    for path in {path for path, _, _ in live(corpus)}:
        for replayed in replay_cassette(path):
            assert (replayed.problems, replayed.error) == ([], None), f"{path.name} {replayed.interaction}"
