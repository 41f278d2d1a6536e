"""Gemini's generateContent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.providers.integrations.integration import (
    KEY,
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
from tests.servers.gemini.scenarios import CROSSING, SCENARIOS
from tests.servers.gemini.server import GeminiServer
from tests.servers.script import CHECKING, CROSSING_TEXT, HARBOUR_TEXT

SCHEMA = Report.model_json_schema()
JSON_FORM = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
BODIES = (
    Body("nothing set", {}),
    Body("streamed", {}, streams=True),
    Body(
        "temperature, top_p",
        {"generationConfig": {"temperature": 0.0, "topP": 0.5}},
        {"temperature": 0.0, "top_p": 0.5},
    ),
    Body(
        "max_tokens, stop",
        {"generationConfig": {"maxOutputTokens": 9, "stopSequences": ["END"]}},
        {"max_tokens": 9, "stop": "END"},
    ),
    Body("seed, n", {"generationConfig": {"seed": 7, "candidateCount": 1}}, {"seed": 7, "n": 1}),
    Body(
        "thinking", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, {"thinking": {"thinkingBudget": 0}}
    ),
    Body(
        "reasoning_effort",
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1024}}},
        {"reasoning_effort": "low"},
    ),
    Body(
        "response_format",
        {"generationConfig": JSON_FORM},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "R", "schema": SCHEMA}}},
    ),
    Body(
        "response_format",
        {"generationConfig": {"responseMimeType": "application/json"}},
        {"response_format": {"type": "json_object"}},
    ),
    Body(
        "top_p, additional_params",
        {"generationConfig": {"topP": 0.9, "topK": 4}},
        {"top_p": 0.1, "additional_params": {"generationConfig": {"topP": 0.9, "topK": 4}}},
    ),
)


def chunk(*parts: Mapping[str, Any], reason: str | None = None, **fields: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if reason is not None:
        candidate["finishReason"] = reason
    return f"data: {json.dumps({'candidates': [candidate], **fields}, ensure_ascii=False)}\n\n".encode()


def piece(path: str, **fields: Any) -> dict[str, Any]:
    """Return a piece of a call, with one value of its arguments."""
    return {"functionCall": {"partialArgs": [{"jsonPath": path, **fields}], "willContinue": True}}


def growing(*pieces: dict[str, Any]) -> bytes:
    """Return a stream of one call in pieces."""
    begun = {"functionCall": {"id": "t", "name": "f", "willContinue": True}}
    return b"".join(map(chunk, (begun, *pieces))) + chunk(reason="STOP")


TEXT = chunk({"text": "é"})
STREAMS = (
    Stream("calls of one id", chunk({"functionCall": {"id": "t", "name": "f", "args": None}}, {"functionCall": {"id": "t", "name": "g"}},
     reason="STOP"), ["call 0 t f '{}' of {}", "call 1 call_1 g '{}' of {}", "completed ['t f {}', 'call_1 g {}'] tool_calls"]),
    Stream("a call without a name", chunk({"functionCall": {"args": {}}}, reason="STOP"), ["failed MalformedResponseError"]),
    Stream("a call without a name, in an event that lacks its blank line",
     chunk({"text": "a"}, reason="STOP") + chunk({"functionCall": {"args": {}}}).rstrip(),
     ["text 'a'", "failed MalformedResponseError"]),
    Stream("arguments that are a list", chunk({"functionCall": {"name": "f", "args": []}}, reason="STOP"),
     ["failed MalformedResponseError"]),
    Stream("a call in pieces", growing(piece("$.a", stringValue="é", willContinue=True), piece("$.a", stringValue="!"),
     {"functionCall": {}}), ["call 0 t f '' of ", "call 0 t f '{\"a\": \"é!\"}' of {\"a\": \"é!\"}",
                             "completed ['t f {\"a\": \"é!\"}'] tool_calls"]),
    Stream("a text in pieces that begins and ends with nothing", growing(piece("$.a", willContinue=True),
     piece("$.a", stringValue="x", willContinue=True), piece("$.a"), {"functionCall": {}}),
     ["call 0 t f '' of ", "call 0 t f '{\"a\": \"x\"}' of {\"a\": \"x\"}", "completed ['t f {\"a\": \"x\"}'] tool_calls"]),
    Stream("a call in pieces that never ends", growing(piece("$.a", numberValue=1)),
     ["call 0 t f '' of ", "failed MalformedResponseError"]),
    *(Stream(name, growing(*pieces, {"functionCall": {}}), ["call 0 t f '' of ", "failed MalformedResponseError"]) for name, pieces in {
        "a call in the middle of another": [{"functionCall": {"name": "g", "willContinue": True}}],
        "a value at no path": [piece("a", numberValue=1)],
        "a value far behind a list's end": [piece("$.a[7]", numberValue=1)],
        "a value in a text": [piece("$.a", stringValue="x"), piece("$.a.b", stringValue="x")],
        "a text that goes on as a number": [piece("$.a", stringValue="x", willContinue=True), piece("$.a", numberValue=1)],
    }.items()),
    Stream("a reason by its number", TEXT + b'data: {"candidates": [{"finishReason": 2}]}\n\n', ["text 'é'", "completed 'é' length"]),
    Stream("a list in place of events", b'[{"candidates": [{"content": {"parts": [{"text": "a"}]}}]},\n{"candidates": [{"finishReason": "STOP"}]}]',
     ["text 'a'", "completed 'a' stop"]),
    Stream("a list that is cut", b'[{"candidates": [{"content": {"parts": [{"text": "a"}]}}]},\n', ["failed StreamTruncatedError"]),
    Stream("a byte order mark, and two blanks", b"\xef\xbb\xbf" + (TEXT + chunk(reason="STOP")).replace(b"data: ", b"data:  "),
     ["text 'é'", "completed 'é' stop"]),
    Stream("a reason to come", TEXT + chunk(reason="LATER_INVENTION"), ["text 'é'", "completed 'é' other"]),
    Stream("a recitation", TEXT + chunk(reason="RECITATION"), ["text 'é'", "completed 'é' content_filter"]),
    Stream("a blocked prompt", b'data: {"promptFeedback": {"blockReason": "SAFETY"}}\n\n', ["completed '' content_filter"]),
    Stream("a second candidate", TEXT + b'data: {"candidates": [{"index": 1, "content": {"parts": [{"text": "x"}]}}]}\n\n'
     + chunk(reason="STOP"), ["text 'é'", "completed 'é' stop"]),
    Stream("a call without arguments", chunk({"functionCall": {"name": "f"}}, reason="STOP", responseId="r"),
     ["call 0 gemini-call-r-0 f '{}' of {}", "completed ['gemini-call-r-0 f {}'] tool_calls"]),
    Stream("a candidate without content", TEXT + b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n',
     ["text 'é'", "completed 'é' stop"]),
    Stream("the reason in the text is no end", chunk({"text": '"finishReason": "STOP"'}),
     ["text '\"finishReason\": \"STOP\"'", "failed StreamTruncatedError"]),
    Stream("cut inside a string", (TEXT + chunk({"text": "abc"}, reason="STOP"))[:-50],
     ["text 'é'", "failed StreamTruncatedError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("a chunk that is no JSON", TEXT + b"data: {oops}\n\n", ["text 'é'", "failed MalformedResponseError"]),
    Stream("a chunk that is no object", TEXT + b"data: [1]\n\n", ["text 'é'", "failed MalformedResponseError"]),
)  # fmt: skip

GEMINI: Final = Integration(
    name="gemini",
    provider="gemini",
    model="gemini/gemini-2.5-flash",
    server=GeminiServer,
    scenarios=SCENARIOS,
    sdk=SDK("google.genai", ("gemini.model", "gemini.body"), "gemini"),
    key_told="GEMINI_API_KEY or GOOGLE_API_KEY",
    keyless=("gemini-2.5-flash", "gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
    variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    credential=("x-goog-api-key", KEY),
    asked=lambda prompt: {"contents": [{"parts": [{"text": prompt}], "role": "user"}]},
    bodies=BODIES,
    answers=(
        *ordinary(CHECKING),
        Answer("named_tool_call", "", (("get_tide", {}),), reason="tool_calls", keywords={"tools": TOOLS}),
        Answer("thinking", CROSSING_TEXT, thinking=CROSSING.text, usage={"reasoning_tokens": 1}),
        Answer("cached", HARBOUR_TEXT, usage={"cached_prompt_tokens": 2048}),
        Answer("filtered", "I", reason="content_filter"),
    ),
    usage=Usage({}, {}, ("promptTokenCount",), ("candidatesTokenCount", "thoughtsTokenCount")),
    raw_reasons={"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"},
    response_id=r"\w{22}",
    request_id=None,
    refusals=(Refusal("rate_limit", 429, "RESOURCE_EXHAUSTED"), Refusal("overloaded", 503, "UNAVAILABLE")),
    fault=Refusal("stream_error", 503, "UNAVAILABLE"),
    breaks=(*TRUNCATIONS, reported("The model is overloaded.", "UNAVAILABLE")),
    streams=STREAMS,
    split=Stream("text", chunk({"text": "é 🗼"}) + chunk(reason="STOP"), ["text 'é 🗼'", "completed 'é 🗼' stop"]),
    no_answers=(b'{"candidates": [1]}', b"[]", b"<html>", b""),
    wire="gemini",
    corpus="gemini",
    hurry={"tenacity.wait_exponential_jitter.__call__": lambda waits, state: 0},
)
