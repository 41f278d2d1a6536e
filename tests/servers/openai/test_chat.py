"""The server says what its scenarios say, in the provider's format, to the official SDK and to a plain client."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import pytest
from hypothesis import given, strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from harness.providers.shared.tls import library_of
from tests.servers.openai import chat_scenarios as script
from tests.servers.openai.chat import MODELS, OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS, Completion, Scenario
from tests.servers.openai.chat_wire import pieces
from tests.servers.plain_client import connect, post
from tests.servers.shapes import stream_shape

KEY: Final = {"authorization": "Bearer test-key", "content-type": "application/json"}
MODEL: Final = "gpt-4o-mini"
USAGE: Final = {"stream_options": {"include_usage": True}}
TOOLS: Final = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": name,
                "parameters": {"type": "object", "properties": {key: {"type": "string"} for key in keys}},
            },
        }
        for name, keys in (("get_weather", ["city"]), ("get_tide", ["harbour", "day"]))
    ]
}
SCHEMA: Final = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "report",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "temperature_c": {"type": "integer"},
                    "summary": {"type": "string"},
                },
                "required": ["city", "temperature_c", "summary"],
                "additionalProperties": False,
            },
        },
    }
}
TEXT_KINDS: Final = ("role", "content", "finish")
ONE_CALL: Final = ("role+tool_call", "tool_arguments", "finish")
TWO_CALLS: Final = ("role", "tool_call", "tool_arguments", "tool_call", "tool_arguments", "finish")


@dataclass(frozen=True)
class Told:
    """What a client that streams a whole scenario is told."""

    kinds: tuple[str, ...] = TEXT_KINDS
    text: str = ""
    calls: tuple[script.Call, ...] = ()
    refusal: str = ""
    finish_reason: str = "stop"
    options: Mapping[str, Any] = field(default_factory=dict)


WHOLE: Final = {
    "text": Told(text=script.HARBOUR_TEXT),
    "unicode": Told(text=script.UNICODE_TEXT),
    "outline": Told(text=script.OUTLINE_TEXT),
    "expand": Told(text=script.EXPANDED_TEXT),
    "turn_name": Told(text="Hello Ada, how can I help?"),
    "turn_recall": Told(text="Your name is Ada."),
    "tool_call": Told(ONE_CALL, calls=(script.BERGEN_CALL,), finish_reason="tool_calls", options=TOOLS),
    "parallel_tool_calls": Told(
        TWO_CALLS, calls=(script.BERGEN_CALL, script.NARVIK_CALL), finish_reason="tool_calls", options=TOOLS
    ),
    "two_tools": Told(
        TWO_CALLS, calls=(script.BERGEN_CALL, script.TIDE_CALL), finish_reason="tool_calls", options=TOOLS
    ),
    "structured": Told(text=script.REPORT_JSON, options=SCHEMA),
    "length": Told(text="One wave, two waves", finish_reason="length", options={"max_tokens": 5}),
    "refusal": Told(("role", "refusal", "finish"), refusal="I'm sorry, I can't help with forging papers."),
}

#: status, code, class in the SDK
FAILING: Final[dict[str, tuple[int, str | None, type[openai.APIStatusError]]]] = {
    "bad_key": (401, "invalid_api_key", openai.AuthenticationError),
    "rate_limit": (429, "rate_limit_exceeded", openai.RateLimitError),
    "server_error": (500, None, openai.InternalServerError),
}

#: The kinds of events that arrive, and what plain HTTP and the SDK make of the end (None: it looks whole to them).
BROKEN: Final[dict[str, tuple[tuple[str, ...], type[Exception] | None, type[Exception] | None]]] = {
    "stream_error": (("role", "content", "content", "content", "error_event"), None, openai.APIError),
    "truncated": (("role", "content", "content", "content"), None, None),
    "truncated_eof": (
        ("role", "content", "content", "content"),
        http.client.IncompleteRead,
        openai.APIConnectionError,
    ),
    "truncated_reset": (("role", "content", "content", "content"), ConnectionResetError, openai.APIConnectionError),
    "truncated_tool_call": (
        ("role+tool_call", "tool_arguments", "tool_arguments"),
        http.client.IncompleteRead,
        openai.APIConnectionError,
    ),
}

#: How many events come before the hold.
HELD: Final = {"blocked_head": 0, "blocked_body": 4}


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


@pytest.fixture
def client(server: OpenAIChatServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="test-key", max_retries=0) as sdk:
        yield sdk


def asked(name: str, **options: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": SCENARIOS[name].prompt}], **options}


def send(connection: http.client.HTTPConnection, name: str, **options: Any) -> None:
    connection.request("POST", "/v1/chat/completions", json.dumps(asked(name, **options)), KEY)


def fetch(server: OpenAIChatServer, name: str, **options: Any) -> tuple[http.client.HTTPResponse, bytes]:
    return post(server, "/v1/chat/completions", asked(name, **options), KEY)


def read_event(response: http.client.HTTPResponse) -> bytes:
    return response.readline() + response.readline()


def streamed(
    client: openai.OpenAI, name: str, told: Mapping[str, Any] | None = None
) -> Generator[ChatCompletionChunk, None, None]:
    options: dict[str, Any] = dict(told or {})
    with client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": SCENARIOS[name].prompt}], stream=True, **options
    ) as stream:
        yield from stream


def plain(client: openai.OpenAI, name: str, options: Mapping[str, Any]) -> ChatCompletion:
    extra: dict[str, Any] = dict(options)
    answer: ChatCompletion = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": SCENARIOS[name].prompt}], **extra
    )
    return answer


def runs(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind for kind, _ in itertools.groupby(kinds))


def test_every_scenario_has_its_row() -> None:
    assert {*WHOLE, *FAILING, *BROKEN, *HELD} == set(SCENARIOS)


@pytest.mark.parametrize("name", WHOLE)
def test_events_come_in_the_providers_order(server: OpenAIChatServer, name: str) -> None:
    response, body = fetch(server, name, stream=True, **WHOLE[name].options)
    shape = stream_shape(body)
    assert response.status == 200
    assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
    assert (runs(shape.kinds), shape.end_marker, shape.torn) == (WHOLE[name].kinds, "[DONE]", False)


@pytest.mark.parametrize("name", WHOLE)
def test_sdk_assembles_the_streamed_message(client: openai.OpenAI, name: str) -> None:
    told = WHOLE[name]
    text, refusal, finish = "", "", None
    calls: dict[int, list[str]] = {}
    ids = set()
    for chunk in streamed(client, name, told.options):
        choice = chunk.choices[0]
        text += choice.delta.content or ""
        refusal += choice.delta.refusal or ""
        finish = choice.finish_reason or finish
        for fragment in choice.delta.tool_calls or []:
            assert fragment.function is not None
            if fragment.id:
                ids.add(fragment.id)
                calls[fragment.index] = [fragment.function.name or "", ""]
            calls[fragment.index][1] += fragment.function.arguments or ""
    assert (text, refusal, finish) == (told.text, told.refusal, told.finish_reason)
    assert [tuple(calls[index]) for index in sorted(calls)] == [(call.name, call.arguments) for call in told.calls]
    assert len(ids) == len(told.calls)


@pytest.mark.parametrize("name", WHOLE)
def test_sdk_reads_the_plain_message(client: openai.OpenAI, name: str) -> None:
    told = WHOLE[name]
    choice = plain(client, name, told.options).choices[0]
    calls = [call.function for call in choice.message.tool_calls or [] if call.type == "function"]
    assert (choice.message.content or "", choice.message.refusal or "") == (told.text, told.refusal)
    assert [(call.name, call.arguments) for call in calls] == [(call.name, call.arguments) for call in told.calls]
    assert choice.finish_reason == told.finish_reason


@pytest.mark.parametrize("call", [script.BERGEN_CALL, script.NARVIK_CALL, script.TIDE_CALL], ids=lambda c: c.arguments)
def test_arguments_are_split_over_several_deltas(call: script.Call) -> None:
    assert len(pieces(call.arguments)) >= 4
    assert json.loads(call.arguments)


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize("name", WHOLE)
def test_usage_chunk_comes_last_and_only_when_asked_for(client: openai.OpenAI, name: str) -> None:
    without = list(streamed(client, name, WHOLE[name].options))
    *earlier, last = streamed(client, name, {**WHOLE[name].options, **USAGE})
    usage = plain(client, name, WHOLE[name].options).usage
    assert all(chunk.usage is None and chunk.choices for chunk in (*without, *earlier))
    assert last.choices == []
    assert last.usage == usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_http_error_reaches_the_sdk_as_its_class(client: openai.OpenAI, name: str, stream: bool) -> None:
    status, code, kind = FAILING[name]
    with pytest.raises(kind) as caught:
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": SCENARIOS[name].prompt}], stream=stream
        )
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id is not None
    assert caught.value.request_id.startswith("req_")


def test_rate_limit_says_when_to_try_again(server: OpenAIChatServer) -> None:
    assert fetch(server, "rate_limit")[0].getheader("retry-after") == "1"


def test_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-none", messages=[{"role": "user", "content": "Hello"}])
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_ends_as_scripted_for_a_plain_client(server: OpenAIChatServer, name: str) -> None:
    kinds, broken, _ = BROKEN[name]
    connection = connect(server)
    send(connection, name, stream=True, **TOOLS)
    response = connection.getresponse()
    body = b"".join(read_event(response) for _ in kinds)
    if broken is None:
        assert response.read() == b""
    else:
        with pytest.raises(broken):
            response.read()
    connection.close()
    shape = stream_shape(body)
    assert (shape.kinds, shape.end_marker) == (kinds, None)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_reaches_the_sdk_as_its_class(client: openai.OpenAI, name: str) -> None:
    kinds, _, broken = BROKEN[name]
    came = 0
    caught: Exception | None = None
    try:
        for _ in streamed(client, name, TOOLS):
            came += 1
    except openai.APIError as error:
        caught = error
    except library_of(openai.DefaultHttpxClient).TransportError as error:
        # Older versions of the SDK let it through.
        caught = openai.APIConnectionError(request=error.request)
    assert type(caught) is (broken or type(None))
    assert came == sum(kind != "error_event" for kind in kinds)


def test_held_body_gives_the_events_before_the_hold(server: OpenAIChatServer) -> None:
    connection = connect(server)
    send(connection, "blocked_body", stream=True)
    response = connection.getresponse()
    body = b"".join(read_event(response) for _ in range(HELD["blocked_body"]))
    server.wait_for(lambda: server.held == 1)
    assert stream_shape(body).kinds == ("role", "content", "content", "content")
    assert connection.sock is not None
    connection.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.sock.recv(1)
    response.close()
    connection.close()


def test_each_event_is_one_chunk_of_the_transfer_encoding(server: OpenAIChatServer) -> None:
    connection = connect(server)
    send(connection, "unicode", stream=True)
    assert connection.sock is not None
    with connection.sock.makefile("rb") as wire:
        head = b"".join(iter(wire.readline, b"\r\n"))
        frames = []
        while size := int(wire.readline(), 16):
            frames.append(wire.read(size))
            assert wire.read(2) == b"\r\n"
    connection.close()
    assert b"transfer-encoding: chunked\r\n" in head
    assert b"set-cookie" not in head.lower()
    assert frames[-1] == b"data: [DONE]\n\n"
    assert all(len(stream_shape(frame).events) == 1 for frame in frames[:-1])
    assert len(frames) == len(pieces(script.UNICODE_TEXT)) + 3


def test_padding_brings_every_event_to_sixteen_characters_plus_one(server: OpenAIChatServer) -> None:
    _, body = fetch(server, "unicode", stream=True, **USAGE)
    events = body.decode().split("\n\n")[:-2]
    assert {len(event.removeprefix("data: ")) % 16 for event in events} == {1}


def test_padding_can_be_switched_off(server: OpenAIChatServer) -> None:
    _, padded = fetch(server, "text", stream=True)
    _, bare = fetch(server, "text", stream=True, stream_options={"include_obfuscation": False})
    assert b'"obfuscation":"' in padded
    assert b"obfuscation" not in bare


def test_tool_results_get_the_scenarios_next_reply(client: openai.OpenAI) -> None:
    asked = plain(client, "parallel_tool_calls", TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "11"} for call in asked.tool_calls or []]
    conversation: Any = [
        {"role": "user", "content": [{"type": "text", "text": SCENARIOS["parallel_tool_calls"].prompt}]},
        asked.model_dump(exclude_none=True),
        *results,
    ]
    tools: Any = TOOLS["tools"]
    answer = client.chat.completions.create(model=MODEL, messages=conversation, tools=tools)
    assert answer.choices[0].message.content == script.BOTH_TEXT


def test_second_step_of_a_flow_is_chosen_though_it_quotes_the_first(client: openai.OpenAI) -> None:
    quoting = f"{SCENARIOS['expand'].prompt}\n{script.OUTLINE_TEXT}"
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": quoting}])
    assert answer.choices[0].message.content == script.EXPANDED_TEXT


def test_own_scenarios_are_chosen_by_model_and_longest_prompt() -> None:
    scenarios = {
        "any": Scenario("harbour", (Completion("any"),)),
        "longer": Scenario("the harbour", (Completion("longer"),)),
        "one-model": Scenario("in the harbour", (Completion("one"),), model="gpt-4.1"),
    }
    with (
        OpenAIChatServer(scenarios) as server,
        openai.OpenAI(base_url=server.base_url, api_key="test-key", max_retries=0) as client,
    ):
        answers = [
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}])
            for model, prompt in (("gpt-4o", "a harbour"), ("gpt-4o", "in the harbour"), ("gpt-4.1", "in the harbour"))
        ]
    assert [answer.choices[0].message.content for answer in answers] == ["any", "longer", "one"]
    assert [answer.model for answer in answers] == [MODELS[model] for model in ("gpt-4o", "gpt-4o", "gpt-4.1")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "param"),
    [
        ("POST", "/v1/chat/completions", {"authorization": "Bearer k"}, b"{", 400, None),
        ("POST", "/v1/chat/completions", {"authorization": "Bearer k"}, b"[]", 400, None),
        ("POST", "/v1/chat/completions", {}, b"{}", 401, None),
        ("GET", "/v1/chat/completions", {"authorization": "Bearer k"}, b"", 404, None),
        ("POST", "/v1/nothing", {"authorization": "Bearer k"}, b"{}", 404, None),
        (
            "POST",
            "/v1/chat/completions",
            {"authorization": "Bearer k"},
            b'{"model":"gpt-4o","messages":[{"role":"user","content":"Unscripted"}]}',
            400,
            "messages",
        ),
        (
            "POST",
            "/v1/chat/completions",
            {"authorization": "Bearer k"},
            b'{"model":"gpt-4o","messages":[{"role":"user","content":"What is the weather in Bergen?"}]}',
            400,
            "tools",
        ),
    ],
    ids=["no JSON", "no object", "no key", "not POST", "unknown path", "unknown prompt", "tools missing"],
)
def test_request_outside_the_script_is_refused(
    server: OpenAIChatServer,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    param: str | None,
) -> None:
    connection = connect(server)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    error = json.loads(response.read())["error"]
    connection.close()
    assert (response.status, error["param"]) == (status, param)


def test_requests_are_kept_as_they_were_read(server: OpenAIChatServer) -> None:
    fetch(server, "text", stream=True, seed=7)
    fetch(server, "outline")
    first, second = server.requests
    assert (first.method, first.path, first.headers["authorization"]) == (
        "POST",
        "/v1/chat/completions",
        "Bearer test-key",
    )
    assert (first.body["seed"], first.body["stream"]) == (7, True)
    assert second.body["messages"][0]["content"] == SCENARIOS["outline"].prompt
