"""Anthropic's request body: what ordinary conversations become, and recorded bodies made again from what they say."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.providers.anthropic.request import BETAS, parse_recorded, wire_body
from harness.providers.shared.requests.wire_body import EXTRA_QUERY
from tests.providers.anthropic.requests import (
    ASKED,
    CACHED,
    FIELDS,
    HIDDEN,
    PDF,
    PNG,
    THOUGHT,
    TOOL,
    URL,
    answer,
    body_of,
    image,
    pdf,
    result,
    text,
    use,
    user,
)
from tests.providers.recorded.playing_again import again

#: Conversations as other callers have sent them.
CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "one text": [ASKED],
    "text as a block": [user(text("Hi"))],
    "cache marks": [user(text("Hi", **CACHED), pdf(**CACHED), image(cache_control={"type": "ephemeral", "ttl": "1h"}))],
    "files": [
        user(pdf(title="a.pdf"), image(), {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}})
    ],
    "text files": [
        user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é\n"}}),
        user(
            {"type": "document", "source": {"type": "content", "content": [text("a")]}, "citations": {"enabled": True}}
        ),
    ],
    "documents elsewhere": [
        user(
            {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}, "context": "c"},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "t"},
        )
    ],
    "prefilled answer": [ASKED, answer("{")],
    "answer as blocks": [ASKED, answer(text("a"), text("b"))],
    "answer that quotes": [ASKED, answer(text("a", citations=[{"type": "char_location", "cited_text": "b"}]))],
    "one call": [ASKED, answer(use("a", x=1)), user(result("a"))],
    "text before calls": [ASKED, answer(text("Wait."), use("a", x=1.5), use("b")), user(result("a"), result("b"))],
    "empty text before a call": [ASKED, answer(text(""), use("a"))],
    "text after a call": [ASKED, answer(use("a"), text("Done?"))],
    "thinking before calls": [ASKED, answer(THOUGHT, HIDDEN, text("Wait."), use("a")), user(result("a"))],
    "thinking among calls": [ASKED, answer(THOUGHT, use("a"), THOUGHT, use("b"))],
    "call with more": [ASKED, answer({**use("a"), "caller": {"type": "direct"}, **CACHED})],
    "deep arguments": [ASKED, answer(use("a", x={"y": [None, True, {"z": "é 🗼"}]}))],
    "failed result": [ASKED, answer(use("a")), user(result("a", is_error=True))],
    "cached result": [ASKED, answer(use("a")), user(result("a", **CACHED))],
    "result of blocks": [ASKED, answer(use("a")), user(result("a", [text("x"), image(), pdf(title="b")]))],
    "result of nothing": [ASKED, answer(use("a")), user({"type": "tool_result", "tool_use_id": "toolu_a"})],
    "results and text": [ASKED, answer(use("a")), user(result("a"), text("And now?"))],
    "results in two messages": [ASKED, answer(use("a"), use("b")), user(result("a")), user(result("b"))],
    "results in three messages": [ASKED, user(result("a")), user(result("b")), user(result("c"))],
    "users in a row": [ASKED, user(text("and")), ASKED],
    "empty answer": [ASKED, {"role": "assistant", "content": []}],
}


def rebuilt(body: Any, url: str = URL) -> Any:
    call = parse_recorded(url, json.dumps(body).encode())
    return wire_body(*again(call))


def test_the_url_says_the_base_and_the_beta_endpoint() -> None:
    call = parse_recorded("http://proxy.test/anthropic/v1/messages?beta=true", json.dumps(body_of([ASKED])).encode())
    assert call.settings["base_url"] == "http://proxy.test/anthropic"
    assert call.settings["additional_params"] == {BETAS: []}


@pytest.mark.parametrize(
    ("body", "url", "named"),
    [
        (b"oops", URL, "not JSON"),
        (b"[]", URL, "not an object"),
        (b"{}", URL, "'messages'"),
        (b'{"model": "m"}', URL, "'messages'"),
        (json.dumps(body_of([{**ASKED, "role": 1}])).encode(), URL, r"messages\[0\]\.role"),
    ],
    ids=["no JSON", "no object", "nothing", "no messages", "role"],
)
def test_what_cannot_be_rebuilt_is_named(body: bytes, url: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_recorded(url, body)


#: What we have no word for, whoever has.
CARRIED: dict[str, dict[str, Any]] = {
    "block": body_of([ASKED, answer({"type": "later_invention"})]),
    "server tool in history": body_of(
        [
            ASKED,
            answer(
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                text("Hi"),
            ),
            ASKED,
        ]
    ),
    "role": body_of([{"role": "system", "content": "x"}, ASKED]),
    "no message": body_of([]),
    "no model": {"max_tokens": 1, "messages": [ASKED]},
    "types of others": {
        "model": 3,
        "max_tokens": 1,
        "messages": "Hi",
        "stream": "no",
        "tools": {},
        "stop_sequences": 1,
    },
    "field of a message": body_of([{**ASKED, "priority": 1}]),
    "null beside text": body_of([ASKED, answer(text("a", citations=None))]),
    "tool of the provider": body_of([ASKED], tools=[{"type": "web_search_20250305", "name": "web_search"}, TOOL]),
    "tool with its type": body_of([ASKED], tools=[TOOL, {**TOOL, "type": "custom"}]),
    "field of a tool": body_of([ASKED], tools=[TOOL, {**TOOL, "later": 1}]),
    "system of another kind": body_of([ASKED], system=[{"type": "image"}]),
}


BODIES = {
    **{name: body_of(messages) for name, messages in CONVERSATIONS.items()},
    **{name: body_of([ASKED], **fields) for name, fields in FIELDS.items()},
    **CARRIED,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_recorded_body_is_made_again_to_the_same_json(body: dict[str, Any]) -> None:
    assert json.dumps(rebuilt(body), sort_keys=True) == json.dumps(body, sort_keys=True)


def test_what_is_spoken_is_told_of_a_conversation_that_is_carried() -> None:
    said = body_of([{**ASKED, "priority": 1}, answer(text("He"), {"type": "later_invention"}, text("llo"))])
    call = parse_recorded(URL, json.dumps(said).encode())
    assert call.messages == [ASKED, {"role": "assistant", "content": "Hello"}]


def test_a_query_is_carried_in_the_url() -> None:
    call = parse_recorded(f"{URL}?api=2&x=%2F", json.dumps(body_of([ASKED])).encode())
    assert call.settings["additional_params"] == {EXTRA_QUERY: {"api": "2", "x": "/"}}
    assert wire_body(*again(call)) == body_of([ASKED])


def sent(*messages: dict[str, Any]) -> Any:
    from harness.llm import LLM, LLMRequest
    from harness.llm.input.reader import read_messages

    return wire_body(LLM("anthropic/claude-sonnet-4-5", api_key="k"), LLMRequest(read_messages(list(messages))))


def file(url: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "file", "file": {"file_data": url, **more}}]}


NOTE = base64.b64encode("é".encode()).decode()
#: An ordinary message → its content on the wire.
ORDINARY: dict[str, tuple[dict[str, Any], Any]] = {
    "image by data URL": (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]},
        [image()],
    ),
    "image by URL": (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}]},
        [{"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}],
    ),
    "PDF": (file(f"data:application/pdf;base64,{PDF}", filename="a.pdf"), [pdf(title="a.pdf")]),
    "text file": (
        file(f"data:text/markdown;base64,{NOTE}"),
        [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é"}}],
    ),
    "percent-encoded text file": (
        file("data:text/plain,a%20b"),
        [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a b"}}],
    ),
    "image as a file": (file(f"data:image/png;base64,{PNG}"), [image()]),
    "image by the ending of its file": (
        file(f"data:image/jpg;base64,{PNG}"),
        [{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}}],
    ),
    "uploaded file": (
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]},
        [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}],
    ),
    "refusal": ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, [text("No.")]),
}


@pytest.mark.parametrize(("message", "content"), ORDINARY.values(), ids=ORDINARY)
def test_ordinary_parts_become_blocks(message: dict[str, Any], content: Any) -> None:
    assert sent(message)["messages"] == [{"role": message["role"], "content": content}]


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"toolu_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_an_ordinary_conversation_keeps_its_tool_calls_and_groups_their_results() -> None:
    body = sent(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "ada"},
        {"role": "assistant", "content": "", "tool_calls": [call("a", '{"x": 1}'), call("b", "")]},
        {"role": "tool", "tool_call_id": "toolu_a", "content": "1", "name": "a"},
        {"role": "tool", "tool_call_id": "toolu_b", "content": "2"},
        {"role": "user", "content": "And?"},
    )
    assert body["system"] == "Be brief."
    assert body["messages"] == [
        user("Hi"),
        answer(use("a", x=1), use("b")),
        user(result("a", "1"), result("b", "2")),
        user("And?"),
    ]


def test_system_messages_are_the_system_prompt_wherever_they_stand() -> None:
    body = sent(
        {"role": "system", "content": "A"}, {"role": "user", "content": "Hi"}, {"role": "developer", "content": "B"}
    )
    assert (body["system"], body["messages"]) == ([text("A"), text("B")], [user("Hi")])


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"role": "function", "content": "x", "name": "f"}, "function"),
        ({"role": "tool", "content": "x"}, "tool_call_id"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}, "Audio"),
        ({"role": "user", "content": [{"role": "user", "content": "x"}]}, "QuotedMessage"),
        ({"role": "user", "content": [{"type": "file", "file": {"filename": "a"}}]}, "data URL"),
        ({"role": "assistant", "content": None, "tool_calls": [call("a", "{oops")]}, "toolu_a"),
    ],
    ids=["function", "no id", "audio", "quoted", "no data", "arguments"],
)
def test_what_anthropic_does_not_take_is_refused_before_anything_is_sent(message: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        sent(message)
