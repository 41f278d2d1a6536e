"""The server says what its scenarios say, in Converse's format, to boto3, and in live traffic's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.config
import botocore.exceptions
import pytest
import urllib3.exceptions

from tests.providers.recorded.reading import live_exchanges
from tests.servers.anthropic.scenarios import Answer, Call, Failure, Thinking
from tests.servers.bedrock.scenarios import SCENARIOS
from tests.servers.bedrock.server import BedrockServer
from tests.servers.bedrock.shapes import event_kinds, key_sets
from tests.servers.plain_client import post
from tests.servers.shapes import KeySet
from tests.servers.wire_server import Ending

MODEL: Final = "us.anthropic.claude-sonnet-4-6"
#: What a request has so that every scenario answers it.
EVERYTHING: Final[Mapping[str, Any]] = {
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}}
            for name in ("get_weather", "get_tide")
        ]
    },
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}},
}
WHOLE: Final = {
    name: scenario.replies[0]
    for name, scenario in SCENARIOS.items()
    if isinstance(scenario.replies[0], Answer) and scenario.replies[0].cut_after is None
}
FAILING: Final = [name for name, scenario in SCENARIOS.items() if isinstance(scenario.replies[0], Failure)]
#: What boto3 makes of a broken end; None: it looks whole to it.
BROKEN: Final[dict[str, type[Exception] | None]] = {
    "stream_error": botocore.exceptions.EventStreamError,
    "truncated": None,
    "truncated_eof": urllib3.exceptions.ProtocolError,
    "truncated_reset": urllib3.exceptions.ProtocolError,
}
API_PAGE: Final = "docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_"


@pytest.fixture
def server() -> Iterator[BedrockServer]:
    with BedrockServer() as running:
        yield running


def client_of(server: BedrockServer) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=server.base_url,
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


def asked(name: str, **more: Any) -> dict[str, Any]:
    return {**EVERYTHING, "messages": [{"role": "user", "content": [{"text": SCENARIOS[name].prompt}]}], **more}


def fetch(
    server: BedrockServer, body: Any, path: str = f"/model/{MODEL}/converse", **headers: str
) -> tuple[int, str, bytes]:
    sent = {"authorization": "AWS4-HMAC-SHA256 nobody", "content-type": "application/json", **headers}
    response, text = post(server, path, body, sent)
    return response.status, response.getheader("content-type", ""), text


def stream(server: BedrockServer, name: str) -> bytes:
    return fetch(server, asked(name), f"/model/{MODEL}/converse-stream")[2]


def read(response: Any) -> tuple[tuple[str | Thinking | Call, ...], str, Any]:
    """The blocks of a whole answer as the script says them, its stop reason and its usage."""
    found: list[str | Thinking | Call] = []
    for block in response["output"]["message"]["content"]:
        match block:
            case {"text": text}:
                found.append(text)
            case {"toolUse": use}:
                found.append(Call(use["name"], json.dumps(use["input"])))
            case {"reasoningContent": {"reasoningText": thought}}:
                found.append(Thinking(thought["text"]))
            case {"reasoningContent": _}:
                found.append(Thinking("", redacted=True))
    return tuple(found), response["stopReason"], response["usage"]


def read_stream(response: Any) -> tuple[tuple[str | Thinking | Call, ...], str, Any]:
    """The same of a streamed one."""
    found: dict[int, Any] = {}
    stop, usage = "", None
    for event in response["stream"]:
        match event:
            case {"contentBlockStart": {"contentBlockIndex": index, "start": {"toolUse": use}}}:
                found[index] = Call(use["name"], "")
            case {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}:
                found[index] = _grown(found.get(index), delta)
            case {"messageStop": {"stopReason": reason}}:
                stop = reason
            case {"metadata": metadata}:
                usage = metadata["usage"]
    blocks = (
        Call(block.name, block.arguments or "{}") if isinstance(block, Call) else block for block in found.values()
    )
    return tuple(blocks), stop, usage


def _grown(block: Any, delta: Mapping[str, Any]) -> str | Thinking | Call:
    match delta:
        case {"text": text}:
            return f"{block or ''}{text}"
        case {"toolUse": {"input": piece}}:
            return Call(block.name, block.arguments + piece)
        case {"reasoningContent": {"text": text}}:
            return Thinking(f"{block.text if block else ''}{text}")
        case {"reasoningContent": {"redactedContent": _}}:
            return Thinking("", redacted=True)
        case _:
            return block  # type: ignore[no-any-return]


def scripted(answer: Answer) -> tuple[str | Thinking | Call, ...]:
    """The blocks of a scripted answer, without what nobody can read."""
    return tuple(
        Thinking("", redacted=True) if isinstance(block, Thinking) and block.redacted else block
        for block in answer.blocks
    )


@pytest.mark.parametrize("name", WHOLE)
def test_boto3_reads_the_same_message_streamed_and_whole(server: BedrockServer, name: str) -> None:
    server.hold.set()
    client = client_of(server)
    streamed = read_stream(client.converse_stream(modelId=MODEL, **asked(name)))
    plain = read(client.converse(modelId=MODEL, **asked(name)))
    answer = WHOLE[name]
    assert isinstance(answer, Answer)
    assert streamed[:2] == plain[:2]
    assert plain[0] == scripted(answer)
    assert streamed[2]["totalTokens"] == plain[2]["totalTokens"]
    assert plain[2]["cacheReadInputTokens"] == answer.cache_read


def test_answer_is_cut_at_the_limit_of_the_request(server: BedrockServer) -> None:
    response = client_of(server).converse(modelId=MODEL, **asked("length", inferenceConfig={"maxTokens": 5}))
    assert read(response)[:2] == (("One wave, two waves",), "max_tokens")


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_http_error_reaches_boto3_with_its_code(server: BedrockServer, name: str, operation: str) -> None:
    failure = SCENARIOS[name].replies[0]
    assert isinstance(failure, Failure)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client_of(server), operation)(modelId=MODEL, **asked(name))
    assert caught.value.response["Error"] == {"Code": failure.type, "Message": failure.message}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == failure.status


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_reaches_boto3_as_its_class(server: BedrockServer, name: str) -> None:
    text, kind = "", BROKEN[name]
    caught: Exception | None = None
    try:
        with closing(client_of(server).converse_stream(modelId=MODEL, **asked(name))["stream"]) as events:
            for event in events:
                assert "messageStop" not in event
                text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
    except (botocore.exceptions.ClientError, urllib3.exceptions.HTTPError) as error:
        caught = error
    assert caught is None if kind is None else isinstance(caught, kind)
    assert text == "The harbour is"


def test_events_come_in_the_providers_order(server: BedrockServer) -> None:
    kinds = [
        kind
        for kind, _ in groupby([*event_kinds(stream(server, "thinking")), *event_kinds(stream(server, "tool_call"))])
    ]
    text = ["contentBlockDelta text", "contentBlockStop"]
    assert kinds == [
        "messageStart", "contentBlockDelta reasoningContent", "contentBlockStop", *text, "messageStop", "metadata",
        "messageStart", *text, "contentBlockStart toolUse", "contentBlockDelta toolUse", "contentBlockStop", "messageStop",
        "metadata",
    ]  # fmt: skip


def test_error_event_follows_the_events_that_came(server: BedrockServer) -> None:
    kinds = event_kinds(stream(server, "stream_error"))
    assert kinds == ["messageStart", *["contentBlockDelta text"] * 3, "throttlingException"]


@pytest.mark.parametrize(
    ("path", "body", "status", "signature"),
    [
        ("/model/m/invoke", b"{}", 404, "AWS4-HMAC-SHA256 x"),
        (f"/model/{MODEL}/converse", b"{}", 403, "Basic x"),
        (f"/model/{MODEL}/converse", b"{", 400, "Bearer x"),
        (f"/model/{MODEL}/converse", b"[]", 400, "AWS4-HMAC-SHA256 x"),
        ("/model/none/converse", b"{}", 400, "AWS4-HMAC-SHA256 x"),
        (f"/model/{MODEL}/converse", {"messages": [{"role": "user", "content": [{"text": "?"}]}]}, 400, "Bearer x"),
        (
            f"/model/{MODEL}/converse",
            {"messages": [{"role": "user", "content": [{"text": SCENARIOS["thinking"].prompt}]}]},
            400,
            "Bearer x",
        ),
    ],
    ids=["path", "not signed", "no JSON", "no object", "no model", "no scenario", "a need is missing"],
)
def test_request_outside_the_script_is_refused(
    server: BedrockServer, path: str, body: Any, status: int, signature: str
) -> None:
    answered, _, text = fetch(server, body, path, authorization=signature)
    assert (answered, list(json.loads(text))) == (status, ["message"])


@pytest.mark.parametrize("at", [0, 9, 20, -1], ids=["length", "prelude's CRC", "headers", "message's CRC"])
def test_a_message_with_a_wrong_byte_is_refused_by_the_reader(server: BedrockServer, at: int) -> None:
    body = bytearray(stream(server, "text"))
    body[at] ^= 1
    with pytest.raises(ValueError, match="bytes"):
        event_kinds(bytes(body))


CACHE: Final = (
    "cacheReadInputTokenCount",
    "cacheReadInputTokens",
    "cacheWriteInputTokenCount",
    "cacheWriteInputTokens",
    "inputTokens",
    "outputTokens",
    "serverToolUsage",
    "totalTokens",
)
#: What the server sends though no recording of the corpus has it, with the source that says so (read 2026-11-21).
DOCUMENTED_UNSEEN: Final[dict[KeySet, str]] = {
    KeySet("answer", "$.output.message.content[]", ("reasoningContent",)): f"{API_PAGE}ContentBlock.html",
    KeySet("answer", "$.output.message.content[].reasoningContent", ("reasoningText",)): f"{API_PAGE}ContentBlock.html",
    KeySet(
        "answer", "$.output.message.content[].reasoningContent", ("redactedContent",)
    ): f"{API_PAGE}ReasoningContentBlock.html",
    KeySet(
        "answer", "$.output.message.content[].reasoningContent.reasoningText", ("signature", "text")
    ): f"{API_PAGE}ReasoningTextBlock.html",
    KeySet(
        "contentBlockDelta reasoningContent", "$.delta.reasoningContent", ("redactedContent",)
    ): f"{API_PAGE}ReasoningContentBlockDelta.html",
    KeySet("metadata", "$.usage", CACHE): f"{API_PAGE}TokenUsage.html",
    KeySet("error", "$", ("message",)): f"{API_PAGE}Converse.html, Errors",
    KeySet("throttlingException", "$", ("message",)): f"{API_PAGE}ConverseStreamOutput.html",
    KeySet(
        "throttlingException", "headers", (":exception-type", ":content-type", ":message-type")
    ): "docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html",
}


def test_what_the_server_sends_has_live_shapes(corpus: Path) -> None:
    live: set[KeySet] = set()
    for exchange in live_exchanges(corpus, "bedrock"):
        live |= key_sets(exchange.body, exchange.content_type)
    authored: set[KeySet] = set()
    with BedrockServer() as server:
        server.hold.set()
        for name, scenario in SCENARIOS.items():
            first = scenario.replies[0]
            if isinstance(first, Answer) and first.ending is not Ending.WHOLE:
                continue  # a body that HTTP can't finish; its events are those of `text`
            for operation in ("converse", "converse-stream"):
                _, content_type, body = fetch(server, asked(name), f"/model/{MODEL}/{operation}")
                authored |= key_sets(body, content_type)
    assert sorted(authored - live) == sorted(DOCUMENTED_UNSEEN)
