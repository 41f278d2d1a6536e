"""Bedrock's Converse."""

from __future__ import annotations

from typing import Any, Final

from harness.errors import MalformedResponseError, ProviderConnectionError
from tests.providers.integrations.anthropic import CLAUDE_ANSWERS, THINKING
from tests.providers.integrations.integration import (
    SDK,
    TOOLS,
    TRUNCATIONS,
    Body,
    Integration,
    Refusal,
    Stream,
    Usage,
    reported,
)
from tests.servers.bedrock.scenarios import SCENARIOS
from tests.servers.bedrock.server import BedrockServer
from tests.servers.bedrock.wire import framed

SPECS = [
    {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    for name in ("get_weather", "get_tide")
]
SCHEMA = '{"type": "object"}'
FORMAT = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": SCHEMA, "name": "R"}}}}
BODIES = (
    Body("nothing set", {}),
    Body(
        "sampling",
        {"inferenceConfig": {"maxTokens": 50, "temperature": 0.0, "topP": 0.5, "stopSequences": ["END"]}},
        {"max_tokens": 50, "temperature": 0.0, "top_p": 0.5, "stop": "END", "seed": 7, "n": 1},
        unsent="n, seed",
    ),
    Body("thinking", {"additionalModelRequestFields": {"thinking": THINKING}}, {"thinking": THINKING}),
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
        {"inferenceConfig": {"temperature": 0.9}},
        {"temperature": 0.1, "additional_params": {"inferenceConfig": {"temperature": 0.9}}},
    ),
)


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
STREAMS = (
    Stream("calls of one index, without ids", START + call(0, "", "f") + stop(0) + call(0, "", "f") + stop(0) + end("tool_use"),
     ["call 0 call_0 f '' of ", "call 0 call_0 f '{}' of {}", "call 1 call_1 f '' of ", "call 1 call_1 f '{}' of {}",
      "completed ['call_0 f {}', 'call_1 f {}'] tool_calls"]),
    Stream("calls of one id, and no index", START + event("contentBlockStart", start={"toolUse": {"toolUseId": "t", "name": "f"}})
     + event("contentBlockDelta", delta={"toolUse": {"input": "{}"}}) + call(1, "t", "g") + stop(1) + end("tool_use"),
     ["call 0 t f '' of ", "call 0 t f '{}' of {}", "call 1 call_1 g '' of ", "call 1 call_1 g '{}' of {}",
      "completed ['t f {}', 'call_1 g {}'] tool_calls"]),
    Stream("a piece of no call", START + event("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": {"input": "{}"}})
     + end("tool_use"), ["failed MalformedResponseError"]),
    Stream("a server's own tool is no call", START + event("contentBlockStart", contentBlockIndex=0,
     start={"toolUse": {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}})
     + event("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": {"input": "{}"}}) + stop(0)
     + event("contentBlockStart", contentBlockIndex=1, start={"toolResult": {"toolUseId": "s", "type": "nova_grounding_result"}})
     + event("contentBlockDelta", contentBlockIndex=1, delta={"toolResult": [{"text": "r"}]}) + stop(1) + text("a", 2)
     + end("end_turn"), ["text 'a'", "completed 'a' stop"]),
    Stream("no usage", START + text("é") + event("messageStop", stopReason="end_turn") + event("metadata"),
     ["text 'é'", "completed 'é' stop"]),
    Stream("calls among text keep their order", START + call(0, "t", "f") + stop(0) + text("x", 1) + call(2, "u", "g")
     + event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": '{"a":1}'}}) + stop(2)
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{}' of {}", "text 'x'", "call 1 u g '' of ",
                         "call 1 u g '{\"a\":1}' of {\"a\":1}", "completed ['t f {}', 'u g {\"a\":1}'] tool_calls"]),
    Stream("signatures and citations are no text", START
     + event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "s"}})
     + event("contentBlockDelta", contentBlockIndex=0, delta={"citation": {"title": "t"}}) + text("a") + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    Stream("unknown events say nothing", START + event("laterInvention", a=1) + text("a") + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    Stream("a guardrail", START + text("a") + end("guardrail_intervened"), ["text 'a'", "completed 'a' content_filter"]),
    Stream("a full window", START + text("a") + end("model_context_window_exceeded"), ["text 'a'", "completed 'a' length"]),
    Stream("a reason to come", START + text("a") + end("later_invention"), ["text 'a'", "completed 'a' other"]),
    Stream("stopped, and no metadata", START + text("a") + event("messageStop", stopReason="end_turn"),
     ["text 'a'", "failed StreamTruncatedError"]),
    Stream("metadata, and not stopped", START + text("a") + METADATA, ["text 'a'", "failed StreamTruncatedError"]),
    Stream("the last message is torn", (START + text("a") + end("end_turn"))[:-1], ["text 'a'", "failed StreamTruncatedError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("a checksum that is wrong", START + text("a") + bytes(BROKEN) + end("end_turn"),
     ["text 'a'", "failed MalformedResponseError"]),
    Stream("a broken message behind the end", START + text("a") + end("end_turn") + bytes(BROKEN),
     ["text 'a'", "completed 'a' stop"]),
    Stream("an error behind the end", START + text("a") + end("end_turn") + framed({":exception-type": "throttlingException",
     ":content-type": "application/json", ":message-type": "exception"}, {"message": "slow"}),
     ["text 'a'", "completed 'a' stop"]),
    Stream("bytes that are no message", b"data: hello, this is no event stream at all\n\n", ["failed MalformedResponseError"]),
    Stream("an event that lacks a field", START + event("contentBlockStart", contentBlockIndex=0,
     start={"toolUse": {}}) + end("end_turn"), ["failed MalformedResponseError"]),
)  # fmt: skip

BEDROCK: Final = Integration(
    name="bedrock",
    provider="bedrock",
    model="bedrock/us.anthropic.claude-sonnet-4-6",
    server=BedrockServer,
    scenarios=SCENARIOS,
    sdk=SDK("boto3", ("bedrock.model", "bedrock.clients"), "bedrock"),
    key_told="credentials",
    keyless=("bedrock/us.anthropic.claude-sonnet-4-6",),
    variables=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    credential=("authorization", "AWS4-HMAC-SHA256 Credential=nobody/.*"),
    asked=lambda prompt: {"messages": [{"role": "user", "content": [{"text": prompt}]}]},
    bodies=BODIES,
    answers=CLAUDE_ANSWERS,
    usage=Usage(
        {"cached_prompt_tokens": 0, "cache_creation_tokens": 0},
        # Without any, only whole answers tell of the cache.
        {},
        ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
        ("outputTokens",),
    ),
    raw_reasons={"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"},
    response_id=None,
    request_id=r"[-0-9a-f]{36}",
    refusals=(
        Refusal("throttled", 429, "ThrottlingException"),
        Refusal("refused", 403, "AccessDeniedException", retryable=False),
    ),
    fault=Refusal("stream_error", 429, "ThrottlingException"),
    breaks=(*TRUNCATIONS, reported("Too many requests", "throttlingException")),
    streams=STREAMS,
    split=Stream("text", START + text("é 🗼") + end("end_turn"), ["text 'é 🗼'", "completed 'é 🗼' stop"]),
    no_answers=(
        *(b"{}", b'{"output": {}}', b"[]", b"<html>", b""),
        b'{"output": {"message": {"role": "assistant", "content": [{"text": "caf\xe9"}]}}, "stopReason": "end_turn"}',
    ),
    wire="bedrock",
    corpus="bedrock",
    hurry={"botocore.retries.standard.ExponentialBackoff.delay_amount": lambda waits, context: 0},
    stream_type="application/vnd.amazon.eventstream",
    settings={},
    # botocore takes half a body for a whole one that is no JSON; aiobotocore notices.
    cut_whole=(ProviderConnectionError, MalformedResponseError),
)
