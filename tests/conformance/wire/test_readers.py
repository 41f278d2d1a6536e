"""What is read of recorded bytes without an integration is what the integration makes of them, in the forms that hosts use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import wire
from harness.recording import replay_cassette
from tests.providers.recorded.cassettes import cassette

CHAT = "https://api.mistral.ai/v1/chat/completions"
CONVERSE = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"
HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ASKED = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def chat(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hello"}]
CITED = {"content": [{"text": "Hel"}, {"text": "lo"}], "citations": [{"title": "t"}]}
FORMS: dict[str, tuple[str, Any, Any, str]] = {
    "openai, parts": (CHAT, HI, chat({"role": "assistant", "content": PARTS}), "Hello"),
    "openai, one text": (CHAT, HI, chat({"role": "assistant", "content": "Hello"}), "Hello"),
    "bedrock, quotes": (
        CONVERSE,
        ASKED,
        {
            "output": {"message": {"role": "assistant", "content": [{"citationsContent": CITED}]}},
            "stopReason": "end_turn",
        },
        "Hello",
    ),
}


@pytest.mark.parametrize(("url", "asked", "answer", "text"), FORMS.values(), ids=FORMS)
def test_both_read_the_same(url: str, asked: Any, answer: Any, text: str, tmp_path: Path) -> None:
    (run,) = replay_cassette(cassette(tmp_path, url, asked, json.dumps(answer), "application/json"))
    assert run.sessions[0].result == text
    reading = wire.read("openai" if url == CHAT else "bedrock", json.dumps(answer).encode(), streamed=False)
    assert (reading.text, reading.failed, reading.ended) == (text, False, True)


ENDS = {
    "ollama": {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"},
    "cohere": {"event_type": "stream-end", "response": {"text": "Hello", "finish_reason": "COMPLETE"}},
}
SAYS = {
    "ollama": {"message": {"role": "assistant", "content": "Hello"}, "done": False},
    "cohere": {"event_type": "text-generation", "text": "Hello"},
}


@pytest.mark.parametrize("name", ENDS)
def test_what_comes_after_the_last_line_is_not_of_the_answer(name: str) -> None:
    lines = [SAYS[name], ENDS[name], SAYS[name]]
    reading = wire.read(name, "".join(f"{json.dumps(line)}\n" for line in lines).encode(), streamed=True)
    assert (reading.text, reading.finish_reason, reading.ended) == ("Hello", "stop", True)


def test_a_call_in_the_form_before_there_were_several_is_a_call() -> None:
    asked = chat({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}})
    (call,) = wire.read("openai", json.dumps(asked).encode(), streamed=False).calls
    assert (call.name, call.arguments, call.id) == ("f", "{}", None)


RESPONSES = "https://api.openai.com/v1/responses"
USED = {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "shell", "input": '{"a": 1} and more'}
RESPONSE = {"id": "r", "object": "response", "status": "completed", "output": [USED]}
STREAM = "".join(
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
    for event in (
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**USED, "input": ""}},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "i", "delta": '{"a": 1} '},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "i", "delta": "and more"},
        {"type": "response.custom_tool_call_input.done", "output_index": 0, "item_id": "i", "input": USED["input"]},
        {"type": "response.output_item.done", "output_index": 0, "item": USED},
        {"type": "response.completed", "response": RESPONSE},
    )
)
TOOLS = {"tools": [{"type": "custom", "name": "shell"}]}
CUSTOM = chat(
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}]}
)
CALLS: dict[str, tuple[str, str, Any, str, bool, str]] = {
    "openai": ("openai", CHAT, HI, json.dumps(CUSTOM), False, "ls"),
    "openai-responses": (
        "openai-responses", RESPONSES, {"model": "m", "input": "Hi", **TOOLS}, json.dumps(RESPONSE), False, USED["input"]
    ),
    "openai-responses, streamed": (
        "openai-responses", RESPONSES, {"model": "m", "input": "Hi", "stream": True, **TOOLS}, STREAM, True, USED["input"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wire_format", "url", "asked", "sent", "streamed", "said"), CALLS.values(), ids=CALLS)
def test_a_custom_tool_is_called_with_any_text(
    wire_format: str, url: str, asked: Any, sent: str, streamed: bool, said: str, tmp_path: Path
) -> None:
    (run,) = replay_cassette(
        cassette(tmp_path, url, asked, sent, "text/event-stream" if streamed else "application/json")
    )
    assert run.error is None
    assert run.sessions[0].result == [{"id": "c", "type": "function", "function": {"name": "shell", "arguments": said}}]
    (call,) = wire.read(wire_format, sent.encode(), streamed=streamed).calls
    assert (call.id, call.name, call.arguments) == ("c", "shell", said)


def deltas(*told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of a chat stream in whose deltas these pieces of calls come."""
    choices: list[dict[str, Any]] = [{"delta": {"tool_calls": pieces}} for pieces in told]
    choices.append({"delta": {}, "finish_reason": "tool_calls"})
    return [{"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, **one}]} for one in choices]


def function(name: str | None = None, arguments: str = "", **more: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments, **({} if name is None else {"name": name})}, **more}


THOUGHT = [{"type": "reasoning.text", "text": "Hm."}]


@pytest.mark.parametrize("fields", [{}, {"reasoning": "Hm."}], ids=["alone", "again"])
@pytest.mark.parametrize("streamed", [True, False])
def test_reasoning_in_details_is_told_once(streamed: bool, fields: dict[str, str]) -> None:
    message = chat({"content": "Hello", "reasoning_details": THOUGHT, **fields})
    delta = {"choices": [{"delta": message["choices"][0]["message"]}]}
    body = f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n" if streamed else json.dumps(message)
    assert wire.read("openai", body.encode(), streamed=streamed).thinking == "Hm."


STREAMED = {**HI, "stream": True}
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse"


def piece(path: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a piece of a call of Gemini's, with one value of its arguments."""
    values = {} if path is None else {"partialArgs": [{"jsonPath": path, **fields}]}
    return {"functionCall": {"willContinue": True, **values}}


def said(*parts: dict[str, Any], reason: str = "STOP") -> list[dict[str, Any]]:
    """Return the events of a stream of Gemini's, a part in each."""
    told = [{"candidates": [{"content": {"parts": [part]}}]} for part in parts]
    return [*told, {"candidates": [{"finishReason": reason}]}]


PIECES = [
    {"functionCall": {"name": "f", "willContinue": True}},
    piece("$.a.b[0].c", stringValue="x", willContinue=True),
    piece("$.a.b[0].c", stringValue="y"),
    piece("$.a.b[1]", numberValue=2),
    piece("$['d e']", boolValue=True),
    piece("$.n", nullValue="NULL_VALUE"),
]
#: Streams, and the names and arguments of the calls in them.
TOLD: dict[str, tuple[str, str, Any, list[Any], list[tuple[str, str]]]] = {
    "openai, pieces by id": (
        "openai", CHAT, STREAMED,
        deltas([function("f", id="a"), function("g", id="b")], [function(None, '{"x":1}', id="a")], [function(None, "{}", id="b")]),
        [("f", '{"x":1}'), ("g", "{}")],
    ),
    "gemini, values by their paths": (
        "gemini", GEMINI, {"contents": []}, said(*PIECES, {"functionCall": {}}, {"functionCall": {"name": "g"}}),
        [("f", '{"a": {"b": [{"c": "xy"}, 2]}, "d e": true, "n": null}'), ("g", "{}")],
    ),
    "gemini, a text that begins and ends with nothing": (
        "gemini", GEMINI, {"contents": []},
        said({"functionCall": {"name": "f", "willContinue": True}}, piece("$.a", willContinue=True),
             piece("$.a", stringValue="x", willContinue=True), piece("$.a"), {"functionCall": {}}),
        [("f", '{"a": "x"}')],
    ),
    "gemini, values that are cut": (
        "gemini", GEMINI, {"contents": []}, said(*PIECES[:2], reason="MAX_TOKENS"), [("f", '{"a": {"b": [{"c": "x"}]}')]
    ),
    "anthropic, input where a block begins": (
        "anthropic", "https://api.anthropic.com/v1/messages", {**STREAMED, "max_tokens": 5},
        [
            {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ],
        [("f", '{"x": 1}')],
    ),
    "anthropic, a piece that is an object": (
        "anthropic", "https://api.anthropic.com/v1/messages", {**STREAMED, "max_tokens": 5},
        [
            {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": {"x": "é"}}},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ],
        [("f", '{"x": "é"}')],
    ),
    "cohere, the rest at the end": (
        "cohere", "https://api.cohere.com/v1/chat", {"message": "Hi", "stream": True},
        [
            {"event_type": "text-generation", "text": "I "},
            {"event_type": "tool-calls-generation", "tool_calls": [{"name": "f", "parameters": {}}]},
            {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {
                "text": "I look", "finish_reason": "COMPLETE",
                "tool_calls": [{"name": "f", "parameters": {}}, {"name": "f", "parameters": {"x": 1}}],
            }},
        ],
        [("f", "{}"), ("f", '{"x": 1}')],
    ),
    "cohere-v2, calls of one index": (
        "cohere-v2", "https://api.cohere.com/v2/chat", STREAMED,
        [
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "a", **function("f", "{}")}}}},
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "b", **function("f")}}}},
            {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": function(None, "{}")}}},
            {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}},
        ],
        [("f", "{}"), ("f", "{}")],
    ),
    "openai, the first of two answers, with a call in the form before there were several": (
        "openai", CHAT, {**STREAMED, "n": 2},
        [
            {"id": "c", "choices": [{"index": at, "delta": {"function_call": call}, "finish_reason": reason}]}
            for at, call, reason in (
                (1, {"name": "g", "arguments": ""}, None), (0, {"name": "f", "arguments": '{"x"'}, None),
                (1, {"arguments": "{}"}, "function_call"), (0, {"arguments": ":1}"}, None), (0, None, "function_call"),
            )
        ],
        [("f", '{"x":1}')],
    ),
    "openai, together and without an index": (
        "openai", CHAT, STREAMED, deltas([function("f", "{}", index=None)] * 2), [("f", "{}")] * 2
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wire_format", "url", "asked", "events", "told"), TOLD.values(), ids=TOLD)
def test_both_tell_the_same_calls_apart(
    wire_format: str, url: str, asked: Any, events: list[Any], told: list[tuple[str, str]], tmp_path: Path
) -> None:
    end = "data: [DONE]\n\n" if wire_format == "openai" else ""
    begin, last = ("", "\n") if wire_format == "cohere" else ("data: ", "\n\n")
    sent = "".join(f"{begin}{json.dumps(event)}{last}" for event in events) + end
    (run,) = replay_cassette(cassette(tmp_path, url, asked, sent, "text/event-stream"))
    assert run.error is None
    made = [(call["function"]["name"], call["function"]["arguments"]) for call in run.sessions[0].result]
    reading = wire.read(wire_format, sent.encode(), streamed=True)
    assert "".join(f.data["chunk"] for f in run.frames if f.data.get("call_type") == "llm_call") == reading.text
    assert made == [(call.name, call.arguments) for call in reading.calls] == told


def candidate(reason: str) -> list[Any]:
    return [{"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": reason}]}]


def ending(reason: str) -> list[Any]:
    return [{"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": reason}]}]


def responded(status: str, reason: str | None = None) -> list[Any]:
    why = {"reason": reason} if reason else None
    told: dict[str, Any] = {"id": "r", "status": status, "output": [], "incomplete_details": why}
    said = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
    return [said, {"type": "response.completed", "response": told}]


def ended_with(reason: str) -> list[Any]:
    said = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hi"}}}}
    return [said, {"type": "message-end", "delta": {"finish_reason": reason}}]


#: The reason that both tell for the end of a stream; None: they tell that it failed.
ENDED: dict[str, tuple[str, str, Any, list[Any], str | None]] = {
    **{f"gemini, {reason}": ("gemini", GEMINI, {"contents": []}, candidate(reason), told) for reason, told in {
        "MAX_TOKENS": "length", "CONTINUATION": "length", "SAFETY": "content_filter", "IMAGE_SAFETY": "content_filter",
        "MODEL_ARMOR": "content_filter", "ESCALATION": "content_filter", "LANGUAGE": "other",
        "MALFORMED_FUNCTION_CALL": None, "UNEXPECTED_TOOL_CALL": None, "PUP_LIMITED_DISABLED": None,
    }.items()},
    "gemini, a blocked prompt": (
        "gemini", GEMINI, {"contents": []}, [{"promptFeedback": {"blockReason": "SAFETY"}}], "content_filter"
    ),
    **{f"openai, {reason}": ("openai", CHAT, STREAMED, ending(reason), told) for reason, told in {
        "length": "length", "sensitive": "content_filter", "error": None, "insufficient_system_resource": None,
    }.items()},
    **{f"openai-responses, {status} {reason}": (
        "openai-responses", RESPONSES, {"model": "m", "input": "Hi", "stream": True}, responded(status, reason), told
    ) for status, reason, told in (
        ("completed", None, "stop"), ("incomplete", "max_output_tokens", "length"), ("incomplete", None, "other"),
        ("cancelled", None, None),
    )},
    **{f"cohere-v2, {reason}": ("cohere-v2", "https://api.cohere.com/v2/chat", STREAMED, ended_with(reason), told)
       for reason, told in {"MAX_TOKENS": "length", "ERROR": None}.items()},
}  # fmt: skip


@pytest.mark.parametrize(("wire_format", "url", "asked", "events", "told"), ENDED.values(), ids=ENDED)
def test_both_tell_the_same_of_an_end(
    wire_format: str, url: str, asked: Any, events: list[Any], told: str | None, tmp_path: Path
) -> None:
    sent = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    sent += "data: [DONE]\n\n" if wire_format == "openai" else ""
    (run,) = replay_cassette(cassette(tmp_path, url, asked, sent, "text/event-stream"))
    reading = wire.read(wire_format, sent.encode(), streamed=True)
    assert reading.failed is (told is None)
    if told is None:
        assert run.error is not None
        return
    assert run.error is None
    assert run.frames[-1].data["finish_reason"] == reading.finish_reason == told
    assert reading.ended
