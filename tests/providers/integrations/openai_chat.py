"""OpenAI's chat completions, and what hosts that speak the same format send besides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from harness.errors import StreamTruncatedError
from harness.llm.recorded import OMIT
from tests.providers.integrations.integration import (
    BERGEN,
    KEY,
    SCHEMA,
    SDK,
    TOOLS,
    TRUNCATIONS,
    Answer,
    Body,
    Break,
    Integration,
    Refusal,
    Report,
    Stream,
    Usage,
    ordinary,
    reported,
)
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS

BODIES = (
    Body("nothing set", {}),
    Body("streamed", {"stream": True, "stream_options": {"include_usage": True}}, streams=True),
    Body(
        "stream options of the caller",
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"additional_params": {"stream_options": {"include_obfuscation": False}}},
        streams=True,
    ),
    Body("stream options left out", {"stream": True}, {"additional_params": {"stream_options": OMIT}}, streams=True),
    Body("not streamed, as said", {"stream": False}, {"stream": False}),
    Body(
        "sampling",
        {
            "temperature": 0.0,
            "top_p": 0.5,
            "seed": 0,
            "frequency_penalty": 0.1,
            "presence_penalty": -0.1,
            "n": 1,
            "logprobs": True,
            "top_logprobs": 2,
        },
        {
            "temperature": 0.0,
            "top_p": 0.5,
            "seed": 0,
            "frequency_penalty": 0.1,
            "presence_penalty": -0.1,
            "n": 1,
            "logprobs": True,
            "top_logprobs": 2,
        },
    ),
    Body("limit", {"max_tokens": 50}, {"max_tokens": 50}),
    Body("stop", {"stop": ["END"]}, {"stop": "END"}),
    Body("tools", {"tools": TOOLS, "tool_choice": "auto"}, keywords={"tools": TOOLS}),
    Body(
        "response model",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "Report", "strict": True, "schema": SCHEMA},
            }
        },
        keywords={"response_model": Report},
    ),
    Body("response format", {"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
    Body(
        "fields of the API that are no settings",
        {"user": "ada", "service_tier": "flex"},
        {"additional_params": {"user": "ada", "service_tier": "flex"}},
    ),
    Body(
        "additional fields win", {"temperature": 0.9}, {"temperature": 0.1, "additional_params": {"temperature": 0.9}}
    ),
)


def event(delta: Mapping[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> bytes:
    """Return one event of a stream; more fields stand beside the choice."""
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def piece(index: int, arguments: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"tool_calls": [{"index": index, "function": function, **({"id": id, "type": "function"} if id else {})}]}


DONE: Final = b"data: [DONE]\n\n"
STREAMS = (
    Stream("the call of before there were several", event({"function_call": {"name": "f", "arguments": ""}})
     + event({"function_call": {"arguments": "{}"}}, "function_call") + DONE,
     ["call 0 call_0 f '{}' of {}", "completed ['call_0 f {}'] tool_calls"]),
    Stream("a whole answer as one event", b'data: {"id": "c", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
     + DONE, ["text 'a'", "completed 'a' stop"]),
    Stream("a whole answer and no events", b'{"id": "c", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}',
     ["text 'a'", "completed 'a' stop"]),
    Stream("a delta that is none", b'data: {"choices": [{"delta": null}]}\n\ndata: {"choices": [{}]}\n\n' + event({"content": "a"}, "stop")
     + DONE, ["text 'a'", "completed 'a' stop"]),
    Stream("a delta that is a list", b'data: {"choices": [{"delta": []}]}\n\n' + DONE, ["failed MalformedResponseError"]),
    Stream("content that is a number", event({"content": 7}, "stop") + DONE, ["failed MalformedResponseError"]),
    Stream("reasoning_content", event({"reasoning_content": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    Stream("reasoning in details alone", event({"reasoning_details": [{"type": "reasoning.text", "text": "h", "index": 0}]})
     + event({"reasoning_details": [{"type": "reasoning.summary", "summary": "m", "index": 1}, {"type": "reasoning.encrypted", "data": "x"}]})
     + event({"content": "42"}, "stop") + DONE, ["thinking 'h'", "thinking 'm'", "text '42'", "completed '42' stop"]),
    Stream("reasoning, and all of it again in details", event({"reasoning": "hm"})
     + event({"content": "42", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    Stream("reasoning", event({"reasoning": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    Stream("all calls numbered 0", event(piece(0, "{}", "a", "add")) + event(piece(0, "{", "b", "sub")) + event(piece(0, "}"))
     + event({}, "tool_calls") + DONE,
     ["call 0 a add '{}' of {}", "call 1 b sub '{' of {", "call 1 b sub '}' of {}",
      "completed ['a add {}', 'b sub {}'] tool_calls"]),
    Stream("several choices", event({"content": "yes"}) + event({"content": "no"}, index=1) + event({}, "stop")
     + event({}, "length", index=1) + DONE, ["text 'yes'", "completed 'yes' stop"]),
    Stream("no space after data:", event({"content": "a"}, "stop") + b"data:[DONE]\n\n", ["text 'a'", "completed 'a' stop"]),
    Stream("a reason of the host's own", event({"content": "a"}, "later_invention") + DONE, ["text 'a'", "completed 'a' other"]),
    Stream("thoughts among the parts", event({"content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "a"}]},
     "stop") + DONE, ["thinking 'hm'", "text 'a'", "completed 'a' stop"]),
    Stream("text where legacy completions have it", b'data: {"choices": [{"text": "a", "finish_reason": "STOP"}]}\n\n' + DONE,
     ["text 'a'", "completed 'a' stop"]),
    Stream("what is said aloud", event({"audio": {"transcript": "a"}}, "stop") + DONE, ["text 'a'", "completed 'a' stop"]),
    Stream("thoughts as Mistral has them", event({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
     {"type": "text", "text": "a"}]}, "stop") + DONE, ["thinking 'hm'", "text 'a'", "completed 'a' stop"]),
    Stream("two blanks", (event({"content": "a"}, "stop") + DONE).replace(b"data: ", b"data:  "),
     ["text 'a'", "completed 'a' stop"]),
    Stream("an event of nothing, as hosts send to keep a connection", b"data:\n\n" + event({"content": "a"}, "stop") + DONE,
     ["text 'a'", "completed 'a' stop"]),
    Stream("no blank lines", (event({"content": "a"}) + event({"content": "b"}, "stop") + DONE).replace(b"\n\n", b"\n"),
     ["text 'a'", "text 'b'", "completed 'ab' stop"]),
    Stream("a call that is said to be there", event({"content": "a"}, "function_call") + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
    Stream("filtered", event({"content": "a"}, "content_filter") + DONE, ["text 'a'", "completed 'a' content_filter"]),
    Stream("no reason", event({"content": "a"}) + DONE, ["text 'a'", "completed 'a' None"]),
    Stream("comments", b": waiting\n\n" + event({"content": "a"}, "stop") + DONE, ["text 'a'", "completed 'a' stop"]),
    Stream("lines end in CRLF", (event({"content": "a"}, "stop") + DONE).replace(b"\n", b"\r\n"),
     ["text 'a'", "completed 'a' stop"]),
    Stream("the marker in the text is no end", event({"content": "[DONE]"}, "stop") + event({"content": "data: [DONE]"}),
     ["text '[DONE]'", "text 'data: [DONE]'", "failed StreamTruncatedError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("an end at once", DONE, ["failed MalformedResponseError"]),
    Stream("an event that is no JSON", event({"content": "a"}) + b"data: {oops\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
    Stream("bytes that are no UTF-8", event({"content": "a"}) + b"data: \xff\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
)  # fmt: skip
BREAKS: Final = (
    *TRUNCATIONS,
    reported("The server had an error"),
    Break(
        "truncated_tool_call",
        StreamTruncatedError,
        "was cut before its end marker",
        keywords={"tools": TOOLS},
        came=("call 0", "call 0", "call 0"),
    ),
)
USAGE: Final = Usage(
    {"cached_prompt_tokens": 0, "reasoning_tokens": 0},
    {"cached_prompt_tokens": 0, "reasoning_tokens": 0},
    ("prompt_tokens",),
    ("completion_tokens",),
)
ANSWERS: Final = (
    *ordinary(limit={"max_tokens": 4}),
    Answer("refusal", "I'm sorry, I can't help with forging papers."),
    Answer(
        "two_tools",
        "",
        (BERGEN, ("get_tide", {"harbour": "Bergen", "day": "today"})),
        reason="tool_calls",
        keywords={"tools": TOOLS},
    ),
)

OPENAI_CHAT: Final = Integration(
    name="openai",
    provider="openai",
    model="openai/gpt-4o-mini",
    server=OpenAIChatServer,
    scenarios=SCENARIOS,
    sdk=SDK("openai", ("openai.chat", "openai.model"), "openai"),
    key_told="OPENAI_API_KEY",
    keyless=("openai/gpt-4o-mini", "gpt-4o-mini"),
    variables=("OPENAI_API_KEY",),
    credential=("authorization", f"Bearer {KEY}"),
    asked=lambda prompt: {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]},
    bodies=BODIES,
    answers=ANSWERS,
    usage=USAGE,
    raw_reasons={name: name for name in ("stop", "tool_calls", "length")},
    response_id=r"chatcmpl-\w+",
    request_id=r"req_\w+",
    refusals=(
        Refusal("bad_key", 401, "invalid_api_key", retryable=False),
        Refusal("rate_limit", 429, "rate_limit_exceeded"),
        Refusal("server_error", 500, None),
    ),
    fault=Refusal("stream_error", 500, None),
    breaks=BREAKS,
    streams=STREAMS,
    split=Stream(
        "text",
        event({"role": "assistant", "content": ""}) + event({"content": "é 🗼"}) + event({}, "stop") + DONE,
        ["text 'é 🗼'", "completed 'é 🗼' stop"],
    ),
    split_step=1,
    no_answers=(
        *(b"{}", b'{"id": "c1", "choices": []}', b"<html>", b""),
        b'{"choices": [{"message": {"content": "caf\xe9"}, "finish_reason": "stop"}]}',
    ),
    wire="openai",
    corpus="openai-chat",
)
