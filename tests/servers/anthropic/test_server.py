"""The server says what its scenarios say, in Anthropic's format, to the official SDK, and in live traffic's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import anthropic
import httpx2
import pytest

from tests.providers.recorded.reading import live_exchanges
from tests.servers.anthropic.scenarios import SCENARIOS, Answer, Call, Failure, Thinking
from tests.servers.anthropic.server import AnthropicServer
from tests.servers.anthropic.shapes import event_kinds, key_sets
from tests.servers.plain_client import post
from tests.servers.shapes import KeySet
from tests.servers.wire_server import Ending

MODEL: Final = "claude-sonnet-4-6"
#: What a request has so that every scenario answers it.
EVERYTHING: Final[Mapping[str, Any]] = {
    "model": MODEL,
    "max_tokens": 1000,
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("get_weather", "get_tide")],
    "thinking": {"type": "adaptive"},
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
}
WHOLE: Final = {
    name: scenario.replies[0]
    for name, scenario in SCENARIOS.items()
    if isinstance(scenario.replies[0], Answer) and scenario.replies[0].cut_after is None
}
FAILING: Final = {"rate_limit": anthropic.RateLimitError, "overloaded": anthropic.OverloadedError}
STARTED: Final = ("message_start", "content_block_start text", "ping", "content_block_delta text_delta")
#: What the SDK makes of a broken end; None: it looks whole to it.
BROKEN: Final[dict[str, type[Exception] | None]] = {
    "stream_error": anthropic.APIStatusError,
    "truncated": None,
    "truncated_eof": httpx2.RemoteProtocolError,
    "truncated_reset": httpx2.ReadError,
}
STREAMING_PAGE: Final = "platform.claude.com/docs/en/build-with-claude/streaming, as anthropic 2.11.0 states it"
ERRORS_PAGE: Final = "platform.claude.com/docs/en/api/errors"


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


@pytest.fixture
def client(server: AnthropicServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.base_url, api_key="test-key", max_retries=0) as sdk:
        yield sdk


def asked(name: str, **more: Any) -> dict[str, Any]:
    return {**EVERYTHING, "messages": [{"role": "user", "content": SCENARIOS[name].prompt}], **more}


def fetch(server: AnthropicServer, body: Any, path: str = "/v1/messages") -> tuple[int, str, bytes]:
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    response, text = post(server, path, body, headers)
    return response.status, response.getheader("content-type", ""), text


def assembled(blocks: Any) -> tuple[str | Thinking | Call, ...]:
    """The blocks that the SDK gives, as the script says them."""
    found: list[str | Thinking | Call] = []
    for block in blocks:
        match block.type:
            case "text":
                found.append(block.text)
            case "thinking":
                assert block.signature
                found.append(Thinking(block.thinking))
            case "redacted_thinking":
                found.append(Thinking("", redacted=True))
            case "tool_use":
                found.append(Call(block.name, json.dumps(block.input)))
    return tuple(found)


def scripted(answer: Answer) -> tuple[str | Thinking | Call, ...]:
    """The blocks of a scripted answer, without what nobody can read."""
    return tuple(
        Thinking("", redacted=True) if isinstance(block, Thinking) and block.redacted else block
        for block in answer.blocks
    )


@pytest.mark.parametrize("name", WHOLE)
def test_sdk_reads_the_same_message_streamed_and_whole(server: AnthropicServer, name: str) -> None:
    server.hold.set()
    client = anthropic.Anthropic(base_url=server.base_url, api_key="test-key", max_retries=0)
    with client, client.messages.stream(**asked(name)) as stream:
        streamed = stream.get_final_message()
        plain = client.messages.create(**asked(name))
    answer = WHOLE[name]
    assert isinstance(answer, Answer)
    assert assembled(streamed.content) == assembled(plain.content) == scripted(answer)
    assert streamed.stop_reason == plain.stop_reason
    assert streamed.usage.output_tokens == plain.usage.output_tokens > 0
    assert plain.usage.cache_read_input_tokens == answer.cache_read
    assert plain.usage.cache_creation_input_tokens == answer.cache_created
    assert streamed.id != plain.id


def test_answer_is_cut_at_the_limit_of_the_request(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**asked("length", max_tokens=5))
    assert (assembled(message.content), message.stop_reason) == (("One wave, two waves",), "max_tokens")


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_http_error_reaches_the_sdk_as_its_class(client: anthropic.Anthropic, name: str, stream: bool) -> None:
    failure = SCENARIOS[name].replies[0]
    assert isinstance(failure, Failure)
    with pytest.raises(FAILING[name]) as caught:
        client.messages.create(**asked(name, stream=stream))
    assert (caught.value.status_code, caught.value.type) == (failure.status, failure.type)
    assert (caught.value.request_id or "").startswith("req_")


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_reaches_the_sdk_as_its_class(client: anthropic.Anthropic, name: str) -> None:
    text = ""
    caught: Exception | None = None
    try:
        for event in client.messages.create(**asked(name, stream=True)):
            assert event.type != "message_stop"
            text += getattr(getattr(event, "delta", None), "text", "")
    except (anthropic.APIError, httpx2.TransportError) as error:
        caught = error
    kind = BROKEN[name]
    assert caught is None if kind is None else isinstance(caught, kind)
    assert text == "The harbour is"


def test_tool_results_get_the_scenarios_next_reply(client: anthropic.Anthropic) -> None:
    first = client.messages.create(**asked("tool_call"))
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "11"}
        for block in first.content
        if block.type == "tool_use"
    ]
    conversation = [*asked("tool_call")["messages"], {"role": "assistant", "content": first.to_dict()["content"]}]
    second = client.messages.create(
        **asked("tool_call", messages=[*conversation, {"role": "user", "content": results}])
    )
    assert assembled(second.content) == ("It is 11 degrees in Bergen.",)


def test_events_come_in_the_providers_order(server: AnthropicServer) -> None:
    _, content_type, body = fetch(server, asked("thinking_with_tool", stream=True))
    assert content_type == "text/event-stream; charset=utf-8"
    assert [kind for kind, _ in groupby(event_kinds(body))] == [
        "message_start",
        "content_block_start thinking",
        "ping",
        "content_block_delta thinking_delta",
        "content_block_delta signature_delta",
        "content_block_stop",
        "content_block_start text",
        "content_block_delta text_delta",
        "content_block_stop",
        "content_block_start tool_use",
        "content_block_delta input_json_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_error_event_follows_the_events_that_came(server: AnthropicServer) -> None:
    kinds = event_kinds(fetch(server, asked("stream_error", stream=True))[2])
    assert kinds == [*STARTED, "content_block_delta text_delta", "content_block_delta text_delta", "error"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/nothing", b"{}", 404),
        ("/v1/messages?alpha=true", b"{}", 404),
        ("/v1/messages?beta=true", b"{", 400),
        ("/v1/messages", b"[]", 400),
        ("/v1/messages", {"model": MODEL, "messages": []}, 400),
        ("/v1/messages", {"model": "claude-0", "messages": [], "max_tokens": 1}, 404),
        ("/v1/messages", {"model": MODEL, "messages": [{"role": "user", "content": "?"}], "max_tokens": 1}, 400),
        (
            "/v1/messages",
            {
                "model": MODEL,
                "messages": [{"role": "user", "content": SCENARIOS["thinking"].prompt}],
                "max_tokens": 1,
            },
            400,
        ),
    ],
    ids=["path", "query", "no JSON", "no object", "no limit", "no model", "no scenario", "a need is missing"],
)
def test_request_outside_the_script_is_refused(server: AnthropicServer, path: str, body: Any, status: int) -> None:
    answered, _, text = fetch(server, body, path)
    assert (answered, json.loads(text)["type"]) == (status, "error")


DELTA_USAGE: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
#: What the server sends though no recording of the corpus has it, with the source that says so (read 2026-11-21).
DOCUMENTED_UNSEEN: Final[dict[KeySet, str]] = {
    KeySet("content_block_start redacted_thinking", "$.content_block", ("type", "data")): STREAMING_PAGE,
    KeySet("content_block_start redacted_thinking", "$", ("type", "index", "content_block")): STREAMING_PAGE,
    KeySet("message redacted_thinking", "$.content[]", ("type", "data")): STREAMING_PAGE,
    KeySet("error", "$", ("type", "error", "request_id")): ERRORS_PAGE,
    KeySet("error", "$.error", ("type", "message")): ERRORS_PAGE,
}


def test_what_the_server_sends_has_live_shapes(corpus: Path) -> None:
    live: set[KeySet] = set()
    for exchange in live_exchanges(corpus, "anthropic"):
        live |= key_sets(exchange.body, exchange.content_type)
    authored: set[KeySet] = set()
    with AnthropicServer() as server:
        server.hold.set()
        for name, scenario in SCENARIOS.items():
            first = scenario.replies[0]
            if isinstance(first, Answer) and first.ending is not Ending.WHOLE:
                continue  # a body that HTTP can't finish; its events are those of `text`
            for options in ({}, {"stream": True}):
                _, content_type, body = fetch(server, asked(name, **options))
                authored |= key_sets(body, content_type)
    assert sorted(authored - live) == sorted(DOCUMENTED_UNSEEN)
