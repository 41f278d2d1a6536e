"""Bedrock's request body: what ordinary conversations become, and recorded bodies made again from what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.llm import LLM, LLMRequest
from harness.llm.input.own_block import json_value
from harness.llm.input.reader import read_messages, read_tools
from harness.providers.bedrock.extra_body import EXTRA_BODY
from harness.providers.bedrock.request import parse_recorded, sdk_arguments
from tests.providers.bedrock.requests import (
    ASKED,
    FIELDS,
    HIDDEN,
    MODEL,
    PDF,
    PNG,
    POINT,
    THOUGHT,
    URL,
    answer,
    document,
    image,
    result,
    text,
    use,
    user,
)
from tests.providers.recorded.playing_again import again
from tests.providers.recorded.sending_again import Sent, sent_again

#: Conversations as other callers have sent them.
CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "one text": [ASKED],
    "texts": [user(text("a"), text("b"))],
    "cache points": [user(text("a"), POINT, image(), {"cachePoint": {"type": "default", "ttl": "1h"}})],
    "files": [user(text("a"), image(), document(), document("txt", "b"), document("docx", "c d"))],
    "documents of other kinds": [
        user(document("txt", "t", {"text": "é"}), document("txt", "t", {"content": [text("a")]})),
        answer(text("a")),
        user(document("pdf", "t", {"s3Location": {"uri": "s3://b/k.pdf"}}, context="c", citations={"enabled": True})),
    ],
    "document with a dot": [user(text("a"), document(name="a.pdf"))],
    "image in a bucket": [user(image(s3Location={"uri": "s3://b/k.png"}))],
    "prefilled answer": [ASKED, answer(text("{"))],
    "one call": [ASKED, answer(use("a", x=1)), user(result("a"))],
    "text before calls": [ASKED, answer(text("Wait."), use("a", x=1.5), use("b")), user(result("a"), result("b"))],
    "text after a call": [ASKED, answer(use("a"), text("Done?"))],
    "empty text before a call": [ASKED, answer(text(""), use("a"))],
    "reasoning before calls": [ASKED, answer(THOUGHT, HIDDEN, text("Wait."), use("a")), user(result("a"))],
    "reasoning among calls": [ASKED, answer(THOUGHT, use("a"), THOUGHT, use("b"))],
    "deep arguments": [ASKED, answer(use("a", x={"bytes": [None, True, {"z": "é 🗼"}]}))],
    "failed result": [ASKED, answer(use("a")), user(result("a", status="error"), result("b", status="success"))],
    "JSON result": [ASKED, answer(use("a")), user(result("a", {"json": {"x": [1]}}))],
    "result of blocks": [ASKED, answer(use("a")), user(result("a", text("x"), image(), document(name="b")))],
    "results and text": [ASKED, answer(use("a")), user(result("a"), text("And now?"))],
    "text and results": [ASKED, answer(use("a")), user(text("Here:"), result("a"))],
    "cache point after results": [ASKED, answer(use("a")), user(result("a"), POINT)],
    "empty answer": [ASKED, {"role": "assistant", "content": []}],
}


def rebuilt(body: Any, url: str = URL) -> Any:
    arguments = sdk_arguments(*again(parse_recorded(url, json.dumps(body).encode())))
    del arguments["modelId"]
    extra = arguments.pop(EXTRA_BODY, {})
    return {**json_value(arguments), **extra}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_recorded_conversation_is_made_again_to_the_same_json(messages: list[dict[str, Any]]) -> None:
    body = {"messages": messages}
    assert canonical(rebuilt(body)) == canonical(body)


@pytest.mark.parametrize("url", [URL, URL.replace("anthropic.claude-sonnet", "amazon.nova")])
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_recorded_fields_are_made_again_to_the_same_json(fields: dict[str, Any], url: str) -> None:
    body = {"messages": [ASKED], **fields}
    assert canonical(rebuilt(body, url)) == canonical(body)


@pytest.mark.parametrize(("operation", "stream"), [("converse", False), ("converse-stream", True)])
def test_the_url_says_endpoint_model_and_whether_it_streams(operation: str, stream: bool) -> None:
    url = f"{URL.removesuffix('converse')}{operation}"
    call = parse_recorded(url, json.dumps({"messages": [ASKED]}).encode())
    assert (call.model, call.stream) == (f"bedrock/{MODEL}", stream)
    assert call.settings["base_url"] == "https://bedrock-runtime.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("body", "url", "named"),
    [
        (b"oops", URL, "not JSON"),
        (b"[]", URL, "not an object"),
        (b"{}", URL, "'messages'"),
        (b'{"messages": []}', URL.replace("converse", "invoke"), "only requests of Converse"),
        (b'{"messages": []}', f"{URL}?a=1", "only requests of Converse"),
        (json.dumps({"messages": [{"role": 1, "content": []}]}).encode(), URL, r"messages\[0\]\.role"),
    ],
    ids=["no JSON", "no object", "no messages", "another operation", "query", "role"],
)
def test_what_cannot_be_rebuilt_is_named(body: bytes, url: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_recorded(url, body)


#: What we have no word for, and boto3 may not have either.
CARRIED: dict[str, dict[str, Any]] = {
    "block": {"messages": [ASKED, answer({"video": {}})]},
    "quoting block": {"messages": [ASKED, answer({"citationsContent": {"content": [{"text": "a"}], "citations": []}})]},
    "roles in a row": {"messages": [ASKED, ASKED]},
    "field of a message": {"messages": [{**ASKED, "priority": 1}]},
    "field of a block": {"messages": [user({**text("a"), "later": 1})]},
    "system": {"messages": [ASKED], "system": [{"guardContent": {}}]},
    "tool of the provider": {"messages": [ASKED], "toolConfig": {"tools": [{"systemTool": {}}]}},
    "field of the tools": {"messages": [ASKED], "toolConfig": {"later": 1}},
    "the model": {"messages": [ASKED], "modelId": MODEL},
    "prompt of the provider": {"promptVariables": {"a": {"text": "x"}}},
    "no messages": {"messages": []},
    "messages that are none": {"messages": "Hi"},
    "settings of another model": {"messages": [ASKED], "inferenceConfig": {"max_new_tokens": 3}, "system": "Hi"},
    "later invention": {"messages": [ASKED], "laterInvention": {"a": [1, "é"]}},
}


@pytest.mark.parametrize("body", CARRIED.values(), ids=CARRIED)
def test_what_we_have_no_word_for_is_carried_as_it_is(body: dict[str, Any]) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(URL, asked) == Sent.of(URL, asked)


def sent(*messages: dict[str, Any], tools: list[dict[str, Any]] | None = None) -> Any:
    request = LLMRequest(read_messages(list(messages)), read_tools(tools))
    return sdk_arguments(LLM(f"bedrock/{MODEL}"), request)


def data_file(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": url, **more}}


#: An ordinary part → its blocks.
ORDINARY: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "image by data URL": (
        {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}},
        [{"image": {"format": "jpeg", "source": {"bytes": PNG}}}],
    ),
    "sound": ({"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}, [
        {"audio": {"format": "wav", "source": {"bytes": PNG}}}]),
    "image in a bucket": ({"type": "image_url", "image_url": {"url": "s3://b/k.JPG"}}, [
        {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/k.JPG"}}}}
    ]),
    "PDF": (data_file(f"data:application/pdf;base64,{PDF}", filename="an_a&b.pdf"), [document(name="an-a-b")]),
    "document by its title": (
        {"type": "document", "title": "Tides: v1.5", "source": {"type": "text", "data": "a"}},
        [{"document": {"name": "Tides- v1-5", "source": {"text": "a"}}}],
    ),
    "file without a name": (data_file("data:text/plain,%C3%A9"), [document("txt", "document", {"bytes": "w6k="})]),
    "image as a file": (data_file(f"data:image/png;base64,{PNG}"), [image()]),
    "cache mark": ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, [text("a"), POINT]),
    "refusal": ({"type": "refusal", "refusal": "No."}, [text("No.")]),
}  # fmt: skip


@pytest.mark.parametrize(("part", "blocks"), ORDINARY.values(), ids=ORDINARY)
def test_ordinary_parts_become_blocks(part: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
    body = sent({"role": "user", "content": [part]})
    assert json_value(body["messages"]) == [user(*blocks)]


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"tooluse_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_an_ordinary_conversation_alternates_between_its_sides() -> None:
    body = sent(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "ada"},
        {"role": "user", "content": "Are you there?"},
        {"role": "assistant", "content": "", "tool_calls": [call("a", '{"x": 1}'), call("b", "")]},
        {"role": "tool", "tool_call_id": "tooluse_a", "content": "done", "name": "a"},
        {"role": "tool", "tool_call_id": "tooluse_b", "content": "done"},
        {"role": "user", "content": "And?"},
        {"role": "developer", "content": "Be kind."},
    )
    assert body["system"] == [text("Be brief."), text("Be kind.")]
    assert body["messages"] == [
        user(text("Hi"), text("Are you there?")),
        answer(use("a", x=1), use("b")),
        user(result("a"), result("b"), text("And?")),
    ]


# Not sent: the oldest boto3 that serves here knows neither of the newer fields.
@pytest.mark.parametrize(
    ("model", "settings", "fields"),
    [
        ("us.anthropic.claude-opus-4-6-v1", {"reasoning_effort": "low"}, {"outputConfig": {"effort": "low"}}),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "low"},
         {"additionalModelRequestFields": {"reasoning_effort": "low"}}),
        ("us.amazon.nova-2-lite-v1:0", {"reasoning_effort": "low"},
         {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}}),
        ("us.amazon.nova-2-lite-v1:0", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"},
         {"additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}}),
        *(("us.amazon.nova-2-lite-v1:0", off, {"additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}}})
          for off in ({"thinking": False}, {"reasoning_effort": "none"}, {"thinking": False, "reasoning_effort": "low"})),
        ("us.anthropic.claude-opus-4-6-v1", {"projectIdentifier": "p"}, {"projectIdentifier": "p"}),
    ],
)  # fmt: skip
def test_a_setting_stands_where_the_model_takes_it(
    model: str, settings: dict[str, Any], fields: dict[str, Any]
) -> None:
    made = sdk_arguments(LLM(f"bedrock/{model}", **settings), LLMRequest(read_messages("Hi")))
    assert {name: made[name] for name in made.keys() - {"modelId", "messages"}} == fields


def test_tools_are_specs_and_cache_marks_are_points() -> None:
    tools = [
        {"type": "function", "function": {"name": "a"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "function", "function": {"name": "b", "description": "B.", "parameters": {"type": "object"}}},
    ]
    assert sent({"role": "user", "content": "Hi"}, tools=tools)["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "a", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"toolSpec": {"name": "b", "description": "B.", "inputSchema": {"json": {"type": "object"}}}},
    ]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"role": "function", "content": "x", "name": "f"}, "function"),
        ({"role": "tool", "content": "x"}, "tool_call_id"),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}}]},
            "base64",
        ),
        ({"role": "user", "content": [{"role": "user", "content": "x"}]}, "QuotedMessage"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}, "s3://"),
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "a"}}]}, "data URL"),
        ({"role": "user", "content": [data_file("data:application/zip;base64,")]}, "application/zip"),
        ({"role": "user", "content": [data_file("data:application/pdf;base64,%")]}, "base64"),
        ({"role": "assistant", "content": None, "tool_calls": [call("a", "{oops")]}, "tooluse_a"),
    ],
    ids=["function", "no id", "audio", "quoted", "image URL", "no data", "media type", "base64", "arguments"],
)
def test_what_bedrock_does_not_take_is_refused_before_anything_is_sent(message: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        sent(message)
