"""OpenAI's Responses API."""

from __future__ import annotations

import json
from typing import Any, Final

from harness.errors import ProviderError
from harness.llm.recorded import OMIT
from tests.providers.integrations.integration import (
    KEY,
    SDK,
    TOOLS,
    TRUNCATIONS,
    Answer,
    Body,
    Break,
    Integration,
    Refusal,
    Stream,
    Usage,
    ordinary,
)
from tests.servers.openai.chat_wire import pieces
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.openai.responses_scenarios import SCENARIOS, SEARCH_TEXT, SUMMARY, TIDE_TEXT

FUNCTION = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
BODIES = (
    Body("nothing set", {}),
    Body("not streamed, as said", {"stream": False}, {"stream": False}),
    Body(
        "sampling",
        {"temperature": 0.0, "top_p": 0.5, "top_logprobs": 2},
        {"temperature": 0.0, "top_p": 0.5, "top_logprobs": 2},
    ),
    Body("logprobs", {"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    Body("limit", {"max_output_tokens": 50}, {"max_tokens": 50}),
    Body("effort", {"reasoning": {"effort": "high"}}, {"reasoning_effort": "high"}),
    Body("thinking", {"reasoning": {"summary": "auto"}}, {"thinking": True}),
    Body(
        "kind of thinking",
        {"reasoning": {"effort": "low", "summary": "concise"}},
        {"reasoning_effort": "low", "thinking": "concise"},
    ),
    Body(
        "tools in their places",
        {"tools": [{"type": "web_search"}, FUNCTION, {"type": "file_search", "vector_store_ids": ["vs_1"]}]},
        keywords={"tools": [{"type": "web_search"}, TOOLS[0], {"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    ),
    Body(
        "a chat format is made flat",
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
    ),
    Body(
        "this API's own format",
        {"text": {"format": {"type": "json_object"}}},
        {"response_format": {"type": "json_object"}},
    ),
    Body(
        "fields that are no settings",
        {"store": False, "truncation": "auto"},
        {"additional_params": {"store": False, "truncation": "auto"}},
    ),
    Body("additional fields win", {}, {"temperature": 0.1, "additional_params": {"temperature": OMIT}}),
)


def event(kind: str, **fields: Any) -> bytes:
    told = json.dumps({"type": kind, "sequence_number": 0, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {told}\n\n".encode()


def response(status: str, **fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "status": status, "output": [], "usage": None, "error": None,
            "incomplete_details": None, **fields}  # fmt: skip


def call(place: int, name: str) -> bytes:
    item = {"type": "function_call", "id": f"fc_{name}", "call_id": name, "name": name, "arguments": ""}
    return event("response.output_item.added", item=item, output_index=place)


def arguments(place: int, delta: Any) -> bytes:
    return event("response.function_call_arguments.delta", item_id="fc", output_index=place, delta=delta)


CREATED = event("response.created", response=response("in_progress"))
TEXT = event("response.output_text.delta", item_id="m", output_index=0, content_index=0, delta="é", logprobs=[])
END = event("response.completed", response=response("completed"))
FILTERED = event(
    "response.incomplete", response=response("incomplete", incomplete_details={"reason": "content_filter"})
)
FULL = event("response.completed", response=response("incomplete", incomplete_details={"reason": "max_output_tokens"}))
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "é", "annotations": []}]}
THOUGHT = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
HIDDEN = {"type": "reasoning", "summary": [], "encrypted_content": "aGlkZGVu"}
CALL = {"type": "function_call", "id": "fc_a", "call_id": "a", "name": "f", "arguments": "{}"}


def text_done(text: str) -> bytes:
    return event("response.output_text.done", item_id="m", output_index=0, content_index=0, text=text)


def item_done(item: dict[str, Any], place: int = 0) -> bytes:
    return event("response.output_item.done", item=item, output_index=place)


def completed(*output: dict[str, Any]) -> bytes:
    return event("response.completed", response=response("completed", output=list(output)))


def added(place: int, item: dict[str, Any]) -> bytes:
    return event("response.output_item.added", item={**item, "arguments": ""}, output_index=place)


OTHER = {**CALL, "id": "fc_b", "call_id": "b", "name": "g"}
TWIN = {**CALL, "id": "fc_b"}
STREAMS = (
    Stream("text", CREATED + TEXT + END, ["text 'é'", "completed 'é' stop"]),
    Stream("text at its own end", CREATED + text_done("é") + END, ["text 'é'", "completed 'é' stop"]),
    Stream("text at its item's end", CREATED + item_done(MESSAGE) + END, ["text 'é'", "completed 'é' stop"]),
    Stream("text at the answer's end", CREATED + completed(MESSAGE), ["text 'é'", "completed 'é' stop"]),
    Stream("text everywhere is said once", CREATED + TEXT + text_done("é") + item_done(MESSAGE) + completed(THOUGHT, MESSAGE),
     ["text 'é'", "thinking 'hm'", "completed 'é' stop"]),
    Stream("two calls under one item's id", b"".join(
        event("response.output_item.added", output_index=place, item={**CALL, "id": "fc", "call_id": name, "name": name,
              "arguments": ""}) for place, name in enumerate("fg")
     ) + b"".join(event("response.function_call_arguments.delta", item_id="fc", output_index=place, delta="{}")
                  for place in (0, 1)) + END,
     ["call 0 f f '' of ", "call 1 g g '' of ", "call 0 f f '{}' of {}", "call 1 g g '{}' of {}",
      "completed ['f f {}', 'g g {}'] tool_calls"]),
    Stream("the rest of a text", CREATED + TEXT + text_done("é🗼") + END, ["text 'é'", "text '🗼'", "completed 'é🗼' stop"]),
    Stream("the rest of a text at the answer's end", CREATED + TEXT + completed(MESSAGE, MESSAGE),
     ["text 'é'", "text 'é'", "completed 'éé' stop"]),
    Stream("a text that is another as a whole", CREATED + TEXT + text_done("x") + END, ["text 'é'", "failed MalformedResponseError"]),
    Stream("reasoning at its item's end", CREATED + item_done(THOUGHT) + TEXT + completed(THOUGHT, MESSAGE),
     ["thinking 'hm'", "text 'é'", "completed 'é' stop"]),
    Stream("reasoning at the answer's end", CREATED + completed(THOUGHT, MESSAGE), ["thinking 'hm'", "text 'é'", "completed 'é' stop"]),
    Stream("reasoning under OpenRouter's name", CREATED + event("response.reasoning.delta", delta="h", item_id="r", output_index=0, content_index=0)
     + event("response.reasoning.done", text="hm", item_id="r", output_index=0, content_index=0) + completed(THOUGHT),
     ["thinking 'h'", "thinking 'm'", "completed '' stop"]),
    Stream("encrypted reasoning beside nulls", CREATED + completed({**HIDDEN, "summary": None, "content": None}, MESSAGE),
     ["text 'é'", "completed 'é' stop"]),
    Stream("encrypted reasoning beside what can't be given back", CREATED + completed({**HIDDEN, "id": 7}), ["failed MalformedResponseError"]),
    Stream("a call at its item's end", CREATED + item_done(CALL) + completed(CALL),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "completed ['a f {}'] tool_calls"]),
    Stream("calls at the answer's end", CREATED + completed(CALL, OTHER),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "call 1 b g '' of ", "call 1 b g '{}' of {}",
      "completed ['a f {}', 'b g {}'] tool_calls"]),
    Stream("calls at one place", CREATED + item_done(CALL) + item_done(OTHER) + completed(CALL, OTHER),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "call 1 b g '' of ", "call 1 b g '{}' of {}",
      "completed ['a f {}', 'b g {}'] tool_calls"]),
    Stream("calls of one id", CREATED + completed(CALL, {**OTHER, "call_id": "a"}),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "call 1 fc_b g '' of ", "call 1 fc_b g '{}' of {}",
      "completed ['a f {}', 'fc_b g {}'] tool_calls"]),
    Stream("calls of one function under one id", CREATED + added(0, CALL) + added(1, TWIN) + arguments(1, '{"b":1}') + arguments(0, "{}")
     + item_done({**TWIN, "arguments": '{"b":1}'}, 1) + item_done(CALL) + completed(CALL, {**TWIN, "arguments": '{"b":1}'}),
     ["call 0 a f '' of ", "call 1 fc_b f '' of ", "call 1 fc_b f '{\"b\":1}' of {\"b\":1}", "call 0 a f '{}' of {}",
      "completed ['a f {}', 'fc_b f {\"b\":1}'] tool_calls"]),
    Stream("the same, at the ends of their items", CREATED + item_done(CALL) + item_done(TWIN) + completed(CALL, TWIN),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "call 1 fc_b f '' of ", "call 1 fc_b f '{}' of {}",
      "completed ['a f {}', 'fc_b f {}'] tool_calls"]),
    Stream("the same, at the answer's end", CREATED + completed(*[{**CALL, "id": None, "call_id": "call_1"}] * 2),
     ["call 0 call_1 f '' of ", "call 0 call_1 f '{}' of {}", "call 1 call_2 f '' of ", "call 1 call_2 f '{}' of {}",
      "completed ['call_1 f {}', 'call_2 f {}'] tool_calls"]),
    Stream("calls of one function under one item's id", CREATED + added(0, CALL) + added(1, {**CALL, "call_id": "b"})
     + item_done(CALL) + item_done({**CALL, "call_id": "b"}, 1) + END,
     ["call 0 a f '' of ", "call 1 b f '' of ", "call 0 a f '{}' of {}", "call 1 b f '{}' of {}",
      "completed ['a f {}', 'b f {}'] tool_calls"]),
    Stream("an item's id that is another each time", CREATED + added(0, CALL) + arguments(0, "{}") + item_done({**CALL, "id": "x"})
     + completed({**CALL, "id": "y"}),
     ["call 0 a f '' of ", "call 0 a f '{}' of {}", "completed ['a f {}'] tool_calls"]),
    Stream("a call named late", CREATED + event("response.output_item.added", item={**CALL, "name": "", "arguments": ""}, output_index=0)
     + arguments(0, "{}") + item_done(CALL) + END, ["call 0 a f '{}' of {}", "completed ['a f {}'] tool_calls"]),
    Stream("arguments as an object, as null, without a place", CREATED + item_done({**CALL, "arguments": {"a": 1}})
     + event("response.output_item.added", item={**OTHER, "arguments": None}) + END,
     ["call 0 a f '' of ", "call 0 a f '{\"a\": 1}' of {\"a\": 1}", "call 1 b g '' of ",
      "completed ['a f {\"a\": 1}', 'b g '] tool_calls"]),
    Stream("a piece of arguments as an object", CREATED + call(0, "a") + arguments(0, {"a": 1}) + END,
     ["call 0 a a '' of ", "call 0 a a '{\"a\": 1}' of {\"a\": 1}", "completed ['a a {\"a\": 1}'] tool_calls"]),
    Stream("raw reasoning", CREATED + event("response.reasoning_text.delta", delta="hm", item_id="r", output_index=0, content_index=0) + END,
     ["thinking 'hm'", "completed '' stop"]),
    Stream("calls side by side", CREATED + call(0, "a") + call(1, "b") + arguments(1, "{}") + arguments(0, "[]") + END,
     ["call 0 a a '' of ", "call 1 b b '' of ", "call 1 b b '{}' of {}", "call 0 a a '[]' of []",
      "completed ['a a []', 'b b {}'] tool_calls"]),
    Stream("arguments without deltas", CREATED + call(0, "a") + event(
        "response.function_call_arguments.done", item_id="fc", output_index=0, arguments="{}") + END,
     ["call 0 a a '' of ", "call 0 a a '{}' of {}", "completed ['a a {}'] tool_calls"]),
    Stream("events that say nothing here", CREATED + event("response.later_invention", a=1) + TEXT + END,
     ["text 'é'", "completed 'é' stop"]),
    Stream("filtered", CREATED + TEXT + FILTERED, ["text 'é'", "completed 'é' content_filter"]),
    Stream("at its limit, though the event says completed", CREATED + TEXT + FULL, ["text 'é'", "completed 'é' length"]),
    Stream("incomplete for another reason", CREATED + event("response.incomplete", response=response("incomplete")),
     ["completed '' other"]),
    Stream("failed", CREATED + TEXT + event("response.failed", response=response("failed", error={"code": "server_error", "message": "no"})),
     ["text 'é'", "failed ProviderError"]),
    Stream("failed, though the response says that it is incomplete",
     CREATED + event("response.failed", response=response("incomplete")), ["failed ProviderError"]),
    Stream("failed without saying why", CREATED + event("response.failed", response=response("failed")), ["failed ProviderError"]),
    Stream("an error event", CREATED + event("error", code="x", message="no", param=None), ["failed ProviderError"]),
    Stream("an error event in the form of an HTTP error", CREATED + event("error", error={"message": "no", "code": "x"}),
     ["failed ProviderError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("the end is cut", CREATED + TEXT + END[:-20], ["text 'é'", "failed StreamTruncatedError"]),
    Stream("an event that is no JSON", CREATED + TEXT + b"event: x\ndata: {oops\n\n", ["text 'é'", "failed MalformedResponseError"]),
    Stream("bytes that are no UTF-8", CREATED + b"data: \xff\n\n", ["failed MalformedResponseError"]),
    Stream("an event that lacks a field", CREATED + event("response.output_text.delta", item_id="m"),
     ["failed MalformedResponseError"]),
    Stream("an end that lacks its response", CREATED + event("response.completed"), ["failed MalformedResponseError"]),
    Stream("a call that was never begun", CREATED + arguments(0, "{}") + END, ["failed MalformedResponseError"]),
)  # fmt: skip

COUNTS: Final = {"cached_prompt_tokens": 0, "reasoning_tokens": 0}

OPENAI_RESPONSES: Final = Integration(
    name="openai-responses",
    provider="openai",
    model="openai-responses/gpt-4o-mini",
    server=OpenAIResponsesServer,
    scenarios=SCENARIOS,
    sdk=SDK("openai", ("openai.responses.model", "openai.model"), "openai"),
    key_told="OPENAI_API_KEY",
    keyless=("openai-responses/gpt-4o-mini",),
    variables=("OPENAI_API_KEY",),
    credential=("authorization", f"Bearer {KEY}"),
    asked=lambda prompt: {"model": "gpt-4o-mini", "input": [{"role": "user", "content": prompt}]},
    bodies=BODIES,
    answers=(
        *ordinary(limit={"max_tokens": 4}),
        Answer("refusal", "I'm sorry, I can't help with forging papers."),
        Answer(
            "thinking",
            TIDE_TEXT,
            thinking="".join(SUMMARY),
            usage={"reasoning_tokens": sum(len(pieces(summary)) for summary in SUMMARY)},
            settings={"reasoning_effort": "low", "thinking": True},
        ),
        Answer(
            "text_and_tool",
            "I will look at the tide table.",
            (("get_tide", {"harbour": "Bergen", "day": "today"}),),
            SUMMARY[0],
            "tool_calls",
            {"reasoning_tokens": len(pieces(SUMMARY[0]))},
            keywords={"tools": TOOLS},
        ),
        Answer("web_search", SEARCH_TEXT, keywords={"tools": [*TOOLS, {"type": "web_search"}]}),
    ),
    usage=Usage(
        COUNTS,
        COUNTS,
        ("input_tokens",),
        ("output_tokens",),
    ),
    raw_reasons={"stop": "completed", "tool_calls": "completed", "length": "max_output_tokens"},
    response_id=r"resp_\w+",
    request_id=r"req_\w+",
    refusals=(
        Refusal("bad_key", 401, "invalid_api_key", retryable=False),
        Refusal("rate_limit", 429, "rate_limit_exceeded"),
    ),
    fault=Refusal("stream_error", 500, "server_error"),
    breaks=(
        *TRUNCATIONS,
        *(
            Break(scenario, ProviderError, "reported that the response failed: The server had", "server_error")
            for scenario in ("stream_error", "response_failed")
        ),
    ),
    came=("text 'The'", "text ' harbour'"),
    streams=STREAMS,
    split=Stream(
        "text", CREATED + TEXT.replace("é".encode(), "é 🗼".encode()) + END, ["text 'é 🗼'", "completed 'é 🗼' stop"]
    ),
    no_answers=(
        *(b"{}", b'{"id": "r", "output": null}', b"[]", b"<html>", b""),
        b'{"id": "r", "status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": "caf\xe9"}]}]}',
    ),
    wire="openai-responses",
    corpus="openai-responses",
)
