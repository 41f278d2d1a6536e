"""Anthropic's Messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.providers.integrations.integration import (
    BERGEN,
    KEY,
    SCHEMA,
    SDK,
    TOOLS,
    TRUNCATIONS,
    Answer,
    Body,
    Integration,
    Refusal,
    Report,
    Stream,
    Usage,
    ordinary,
    reported,
)
from tests.servers.anthropic.scenarios import CROSSING, SCENARIOS
from tests.servers.anthropic.server import AnthropicServer
from tests.servers.script import CHECKING, CROSSING_TEXT, HARBOUR_TEXT

THINKING: Final = {"type": "enabled", "budget_tokens": 1024}
#: The answers that Bedrock gives, too.
CLAUDE_ANSWERS: Final = (
    *ordinary(CHECKING, limit={"max_tokens": 4}),
    Answer("empty_tool_call", "", (("get_tide", {}),), reason="tool_calls", keywords={"tools": TOOLS}),
    Answer("thinking", CROSSING_TEXT, thinking=CROSSING.text, settings={"thinking": THINKING}),
    Answer("redacted_thinking", CROSSING_TEXT, thinking=CROSSING.text, settings={"thinking": THINKING}),
    Answer("cached", HARBOUR_TEXT, usage={"cached_prompt_tokens": 2048, "cache_creation_tokens": 128}),
)
WIRE_TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {}}} for name in ("get_weather", "get_tide")
]
BODIES = (
    Body("nothing set", {}),
    Body("streamed", {"stream": True}, streams=True),
    Body("not streamed, as said", {"stream": False}, {"stream": False}),
    Body(
        "sampling",
        {"temperature": 0.0, "top_p": 0.5},
        {"temperature": 0.0, "top_p": 0.5, "seed": 7, "n": 1},
        unsent="n, seed",
    ),
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
)


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


def use(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": "f", "input": {}, **fields}


def piece(text: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": text}


STREAMS = (
    Stream("a tool's use that is said to be there", START + TEXT + end("tool_use"),
     ["text 'é'", "failed MalformedResponseError"]),
    Stream("calls of one index, without ids", START + block(0, use(id="")) + block(0, use(id=None, input=None)) + end("tool_use"),
     ["call 0 call_0 f '' of ", "call 0 call_0 f '{}' of {}", "call 1 call_1 f '' of ", "call 1 call_1 f '{}' of {}",
      "completed ['call_0 f {}', 'call_1 f {}'] tool_calls"]),
    Stream("calls of one id", START + block(0, use()) + block(1, use(name="g")) + end("tool_use"),
     ["call 0 t f '' of ", "call 0 t f '{}' of {}", "call 1 call_1 g '' of ", "call 1 call_1 g '{}' of {}",
      "completed ['t f {}', 'call_1 g {}'] tool_calls"]),
    Stream("no index", START + block(0, use(), piece("{}")).replace(b'"index": 0, ', b"") + end("tool_use"),
     ["call 0 t f '' of ", "call 0 t f '{}' of {}", "completed ['t f {}'] tool_calls"]),
    Stream("a call of two objects", START + block(0, use(), piece('{"x":1}'), piece('{"y":2}')) + end("tool_use"),
     ["call 0 t f '' of ", "call 0 t f '{\"x\":1}' of {\"x\":1}", "call 0 t f '{\"y\":2}' of {\"x\":1}{\"y\":2}",
      "failed MalformedResponseError"]),
    Stream("a call without a name", START + block(0, use(name="")) + end("tool_use"), ["failed MalformedResponseError"]),
    Stream("arguments that are no text and no object",
     START + block(0, use(), {"type": "input_json_delta", "partial_json": []}) + end("tool_use"),
     ["call 0 t f '' of ", "failed MalformedResponseError"]),
    Stream("a piece of no block", START + event("content_block_delta", index=3, delta=piece("{}")) + end("tool_use"),
     ["failed MalformedResponseError"]),
    Stream("a byte order mark, and two blanks", b"\xef\xbb\xbf" + (START + TEXT + end("end_turn")).replace(b"data: ", b"data:  "),
     ["text 'é'", "completed 'é' stop"]),
    Stream("text in the block's start", START + block(0, {"type": "text", "text": "a"}) + end("end_turn"),
     ["text 'a'", "completed 'a' stop"]),
    Stream("a server's own tool is no call", START + block(0, {"type": "server_tool_use", "id": "s", "name": "web_search",
     "input": {}}, {"type": "input_json_delta", "partial_json": "{}"}) + TEXT + end("end_turn"),
     ["text 'é'", "completed 'é' stop"]),
    Stream("input in the block's start", START + block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}})
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{\"a\": 1}' of {\"a\": 1}",
                         "completed ['t f {\"a\": 1}'] tool_calls"]),
    Stream("input in the starts of blocks that never end", START
     + event("content_block_start", index=0, content_block=use(input={"a": 1}))
     + event("content_block_start", index=0, content_block=use(id="u")) + end("tool_use"),
     ["call 0 t f '' of ", "call 1 u f '' of ", "call 0 t f '{\"a\": 1}' of {\"a\": 1}", "call 1 u f '{}' of {}",
      "completed ['t f {\"a\": 1}', 'u f {}'] tool_calls"]),
    Stream("arguments as an object, and thoughts in parts", START
     + block(0, {"type": "thinking"}, {"type": "thinking_delta", "thinking": [{"type": "text", "text": "Hm."}]})
     + block(1, use(), {"type": "input_json_delta", "partial_json": {"a": 1}}) + end("tool_use"),
     ["thinking 'Hm.'", "call 0 t f '' of ", "call 0 t f '{\"a\": 1}' of {\"a\": 1}", "completed ['t f {\"a\": 1}'] tool_calls"]),
    Stream("texts of nothing that are left out", START + block(0, {"type": "thinking"}, {"type": "thinking_delta"},
     {"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta"}) + block(1, {"type": "redacted_thinking"})
     + block(2, {"type": "text"}, {"type": "text_delta"}, {"type": "text_delta", "text": "a"})
     + block(3, use(), {"type": "input_json_delta"}, piece("{}")) + end("tool_use"),
     ["thinking 'Hm.'", "text 'a'", "call 0 t f '' of ", "call 0 t f '{}' of {}", "completed ['t f {}'] tool_calls"]),
    Stream("calls among text keep their order", START + block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}})
     + block(1, {"type": "text", "text": "x"}) + block(2, {"type": "tool_use", "id": "u", "name": "g", "input": {}})
     + end("tool_use"), ["call 0 t f '' of ", "call 0 t f '{}' of {}", "text 'x'", "call 1 u g '' of ",
                         "call 1 u g '{}' of {}", "completed ['t f {}', 'u g {}'] tool_calls"]),
    Stream("citations and signatures are no text", START + block(0, {"type": "text", "text": ""},
     {"type": "citations_delta", "citation": {}}, {"type": "text_delta", "text": "a"},
     {"type": "signature_delta", "signature": "s"}) + end("end_turn"), ["text 'a'", "completed 'a' stop"]),
    Stream("unknown events say nothing", START + event("later_invention", a=1) + TEXT + end("end_turn"),
     ["text 'é'", "completed 'é' stop"]),
    Stream("a reason to come", START + TEXT + end("pause_turn"), ["text 'é'", "completed 'é' other"]),
    Stream("a refusal", START + TEXT + end("refusal"), ["text 'é'", "completed 'é' content_filter"]),
    Stream("a full window", START + TEXT + end("model_context_window_exceeded"), ["text 'é'", "completed 'é' length"]),
    Stream("no reason", START + TEXT + end(None), ["text 'é'", "completed 'é' None"]),
    Stream("lines end in CRLF", (START + TEXT + end("end_turn")).replace(b"\n", b"\r\n"), ["text 'é'", "completed 'é' stop"]),
    Stream("the marker in the text is no end", START + block(0, {"type": "text", "text": "message_stop"}),
     ["text 'message_stop'", "failed StreamTruncatedError"]),
    Stream("the end lacks its last line", (START + TEXT + end("end_turn"))[:-1], ["text 'é'", "failed StreamTruncatedError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("an event that is no JSON", START + b"event: ping\ndata: {\n\nevent: message_stop\ndata: {oops\n\n",
     ["failed MalformedResponseError"]),
    Stream("an event that lacks a field", START + event("content_block_delta", index=0) + STOP,
     ["failed MalformedResponseError"]),
    Stream("bytes that are no UTF-8", START + b"event: message_delta\ndata: \xff\n\n", ["failed MalformedResponseError"]),
)  # fmt: skip

COUNTS: Final = {"cached_prompt_tokens": 0, "cache_creation_tokens": 0}

ANTHROPIC: Final = Integration(
    name="anthropic",
    provider="anthropic",
    model="anthropic/claude-sonnet-4-5",
    server=AnthropicServer,
    scenarios=SCENARIOS,
    sdk=SDK("anthropic", ("anthropic.model",), "anthropic"),
    key_told="ANTHROPIC_API_KEY",
    keyless=("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
    variables=("ANTHROPIC_API_KEY",),
    credential=("authorization", f"Bearer {KEY}"),
    asked=lambda prompt: {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": prompt}],
    },
    bodies=BODIES,
    answers=(
        *CLAUDE_ANSWERS,
        Answer(
            "thinking_with_tool",
            CHECKING,
            (BERGEN,),
            CROSSING.text,
            "tool_calls",
            settings={"thinking": THINKING},
            keywords={"tools": TOOLS},
        ),
    ),
    usage=Usage(
        COUNTS,
        COUNTS,
        ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
        ("output_tokens",),
    ),
    raw_reasons={"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"},
    response_id=r"msg_\w+",
    request_id=r"req_\w+",
    refusals=(Refusal("rate_limit", 429, "rate_limit_error"), Refusal("overloaded", 529, "overloaded_error")),
    fault=Refusal("stream_error", 529, "overloaded_error"),
    breaks=(*TRUNCATIONS, reported("Overloaded", "overloaded_error")),
    streams=STREAMS,
    split=Stream(
        "text",
        START + block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "é 🗼"}) + end("end_turn"),
        ["text 'é 🗼'", "completed 'é 🗼' stop"],
    ),
    no_answers=(
        *(b"{}", b'{"id": "m", "content": [{}]}', b"[]", b"<html>", b""),
        b'{"id": "m", "content": [{"type": "text", "text": "caf\xe9"}], "stop_reason": "end_turn"}',
    ),
    wire="anthropic",
    corpus="anthropic",
)
