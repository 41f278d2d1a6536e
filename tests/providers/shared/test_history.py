"""A conversation as SDKs and hosts give it back is taken, and what is of one provider's own kind goes back to it as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, get_args

import pytest
from ag_ui.core import AssistantMessage, ToolMessage
from anthropic.types import TextBlock, ToolUseBlock
from google.genai.types import Content, FunctionResponse, Part
from openai.types.chat import ChatCompletionMessage, ParsedFunctionToolCall

from harness.errors import UsageError
from harness.llm import LLM
from harness.llm.input.messages import ContentPart, QuotedMessage
from harness.llm.input.own_block import KNOWN_TYPES
from harness.llm.input.reader import read_messages
from harness.providers.openai import request as openai_request
from tests.llm.scripted import WAYS, Way, called, streamed
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    INTEGRATIONS,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    each_integration,
    openai_chat,
)
from tests.providers.integrations.integration import TOOLS, Integration
from tests.servers.raw import Raw

CALL = {"id": "c1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}", "parsed_arguments": {}},
        "extra_content": {"google": {"thought_signature": "s"}}}  # fmt: skip
DUMPED = {
    "role": "assistant", "content": "Yes.", "refusal": None, "annotations": [], "audio": None, "function_call": None,
    "tool_calls": [CALL], "parsed": None, "reasoning_content": "hm", "reasoning": "hm",
    "reasoning_details": [{"type": "reasoning.text", "text": "hm"}], "prefix": True,
    "cache_control": {"type": "ephemeral"}, "extra_content": {"a": 1},
}  # fmt: skip
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
ASKED = {"role": "user", "content": "Hi"}


def sent(integration: Integration, *messages: Any, way: Way = "sync", tools: Any = None, **settings: Any) -> Any:
    """Return the body that is sent of these messages; what answers refuses them."""
    with Raw(b'{"error": {"message": "enough"}}', "application/json", 400) as server:
        llm = integration.llm(server, **settings)
        with pytest.raises(Exception, match="enough"):
            called(llm, way, list(messages), tools)
        (asked,) = server.requests
    return json.loads(asked.body)


@pytest.mark.filterwarnings("ignore::harness.llm.UnsentFieldWarning")
@each_integration
def test_what_an_sdk_gives_back_is_taken_by_every_provider(integration: Integration) -> None:
    body = json.dumps(sent(integration, ASKED, DUMPED, RESULT))
    assert "Yes." in body
    assert "c1" in body or integration is GEMINI


@pytest.mark.parametrize("integration", [OPENAI_CHAT, AZURE], ids=lambda one: one.name)
def test_a_host_of_openais_format_gets_all_of_it(integration: Integration) -> None:
    assert sent(integration, ASKED, DUMPED, RESULT)["messages"] == [ASKED, DUMPED, RESULT]


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_a_host_may_be_named_by_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "https://api.deepseek.com/v1")
    llm = LLM("openai/deepseek-chat", api_key="k")
    request = llm._llm_begin([ASKED, DUMPED], None, None, None, None).request
    assert openai_request.wire_body(llm, request)["messages"] == [ASKED, DUMPED]


@pytest.mark.filterwarnings("ignore::harness.llm.UnsentFieldWarning")
@pytest.mark.parametrize("address", [None, "https://api.openai.com/v1", "https://eu.api.openai.com/v1"])
def test_openais_own_api_gets_what_it_knows(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if address is not None:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
    llm = LLM("openai/gpt-4o-mini", api_key="k")
    request = llm._llm_begin([ASKED, DUMPED], None, None, None, None).request
    kept = {"role", "content", "refusal", "annotations", "audio", "function_call", "tool_calls"}
    message = openai_request.wire_body(llm, request)["messages"][1]
    assert set(message) == kept
    assert message["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def test_openais_own_api_is_given_no_null_that_it_refuses() -> None:
    nulls = dict.fromkeys(("name", "tool_calls", "tool_call_id", "refusal"))
    llm = LLM("openai/gpt-4o-mini", api_key="k")
    request = llm._llm_begin([{**ASKED, **nulls}], None, None, None, None).request
    assert openai_request.wire_body(llm, request)["messages"] == [{**ASKED, "refusal": None}]


@pytest.mark.parametrize("integration", [ANTHROPIC, BEDROCK, GEMINI, OPENAI_CHAT], ids=lambda one: one.name)
def test_what_is_null_or_empty_of_a_tool_is_not_sent(integration: Integration) -> None:
    nulls = {"name": "f", "description": None, "parameters": None, "strict": None}
    empty = {"name": "g", "description": ""}
    tools = [{"type": "function", "function": one} for one in (nulls, empty)]
    if integration is OPENAI_CHAT:
        # A host gets the others.
        llm = LLM("openai/gpt-4o-mini", api_key="k")
        body = openai_request.wire_body(llm, llm._llm_begin([ASKED], tools, None, None, None).request)
    else:
        body = sent(integration, ASKED, tools=tools)
    told = json.dumps(body.get("tools") or body["toolConfig"])
    assert "null" not in told
    assert integration is not BEDROCK or "description" not in told


_SCHEMA = {"type": "object", "properties": {}}
#: How those are told of used tools that refuse calls without tools; one of them can be asked to use none.
USED: dict[str, dict[str, Any]] = {
    ANTHROPIC.name: {"tools": [{"name": name, "input_schema": _SCHEMA} for name in "ab"], "tool_choice": {"type": "none"}},
    BEDROCK.name: {
        "toolConfig": {"tools": [{"toolSpec": {"name": name, "inputSchema": {"json": _SCHEMA}}} for name in "ab"]}
    },
}  # fmt: skip


@each_integration
def test_a_conversation_with_calls_goes_with_the_tools_that_it_tells_of_where_an_api_refuses_it_without(
    integration: Integration,
) -> None:
    ids = {f"c{place}": name for place, name in enumerate("aba")}
    calls = [{"id": each, "function": {"name": name, "arguments": "{}"}} for each, name in ids.items()]
    uses = [{"type": "tool_use", "id": each, "name": name, "input": {}} for each, name in ids.items()]
    results = [{"role": "tool", "tool_call_id": each, "content": "1"} for each in ids]
    for said in ({"content": None, "tool_calls": calls}, {"content": uses})[: 1 + (integration.name in USED)]:
        body = sent(integration, ASKED, {"role": "assistant", **said}, *results)
        assert {name: value for name, value in body.items() if "tool" in name} == USED.get(integration.name, {})
    assert not [name for name in sent(integration, ASKED) if "tool" in name]


@pytest.mark.parametrize("integration", [OPENAI_CHAT, AZURE], ids=lambda one: one.name)
def test_a_host_gets_the_nulls_of_a_function_but_for_its_description(integration: Integration) -> None:
    function: dict[str, Any] = {"name": "f", "strict": None, "parameters": {}}
    tool = {"type": "function", "function": {**function, "description": None}}
    assert sent(integration, ASKED, tools=[tool])["tools"] == [{"type": "function", "function": function}]


@pytest.mark.parametrize("integration", [ANTHROPIC, BEDROCK, GEMINI], ids=lambda one: one.name)
def test_a_text_that_says_nothing_is_not_sent_beside_an_image_or_a_call(integration: Integration) -> None:
    # Their APIs refuse it, and a user who shows something need say nothing.
    blank, image = (
        {"type": "text", "text": ""},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    )
    call = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]}
    said, shown = (
        sent(integration, {"role": "user", "content": parts}, {**call, "content": spoken}, {**RESULT, "content": parts})
        for parts, spoken in (([blank, image], [blank]), ([image], None))
    )
    assert said == shown


def test_an_sdks_message_object_is_taken_without_its_empty_fields() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c1", "type": "function", "function": function}
    given = ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [call], "usage": 1}
    )
    assert sent(OPENAI_CHAT, ASKED, given, RESULT)["messages"][1] == {"role": "assistant", "tool_calls": [call]}


def test_a_message_object_whose_own_wire_has_other_names_is_taken_whole() -> None:
    # Such as AG-UI's `toolCalls` and `toolCallId`.
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = AssistantMessage.model_validate({"id": "m1", "role": "assistant", "content": "Yes.", "tool_calls": [call]})
    result = ToolMessage(id="m2", role="tool", tool_call_id="c1", content="1")
    told = [message.given() for message in read_messages([asked, result])]
    assert told == [{"role": "assistant", "content": "Yes.", "tool_calls": [call]}, RESULT]


def test_an_sdks_objects_among_a_messages_calls_and_parts_are_taken() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c1", "type": "function", "function": function}
    given = ParsedFunctionToolCall.model_validate({**call, "function": {**function, "parsed_arguments": {"a": 1}}})
    answered = {"role": "assistant", "tool_calls": [given]}
    assert sent(OPENAI_CHAT, ASKED, answered, RESULT)["messages"][1] == {"role": "assistant", "tool_calls": [call]}
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": None}}
    blocks = [TextBlock(type="text", text="Yes."), ToolUseBlock.model_validate(use)]
    told = sent(ANTHROPIC, ASKED, {"role": "assistant", "content": blocks}, RESULT)["messages"][1]
    assert told == {"role": "assistant", "content": [{"type": "text", "text": "Yes."}, use]}


def test_an_sdks_object_is_sent_under_the_names_of_the_wire() -> None:
    # Its fields have other names in Python, as those of Anthropic's newest blocks have.
    part = Part(function_response=FunctionResponse(id="c1", name="f", will_continue=True))
    [message] = read_messages([{"role": "user", "content": [part]}])
    assert message.given()["content"] == [{"functionResponse": {"id": "c1", "name": "f", "willContinue": True}}]


def test_an_sdks_object_that_says_all_elsewhere_is_refused() -> None:
    given: list[Any] = [{"role": "user", "content": "Hi"}, Content(role="user", parts=[Part(text="Hi")])]
    with pytest.raises(
        UsageError, match=r"^messages\[1\]: Content has no content; expected text, or a list of messages"
    ):
        read_messages(given)


def test_a_block_with_a_field_that_its_provider_has_added_goes_back_to_it() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "wait", "input": {}, "toolset_name": "computer"}
    shot = {"type": "image", "source": {"type": "file", "file_id": "f"}, "transformations": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [shot], "toolset_name": "computer"}
    conversation = [ASKED, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert sent(ANTHROPIC, *conversation)["messages"] == conversation


def test_calls_of_which_a_host_said_little_are_taken() -> None:
    call = {"id": "c1", "type": None, "function": {"name": "f", "arguments": None}}
    (message,) = sent(OPENAI_CHAT, {"role": "assistant", "tool_calls": [call]})["messages"]
    assert message["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]


@pytest.mark.parametrize("integration", [OPENAI_CHAT, ANTHROPIC, BEDROCK, GEMINI], ids=lambda one: one.name)
def test_thoughts_as_mistral_has_them_are_taken(integration: Integration) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    answered = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
    body = sent(integration, ASKED, answered, ASKED)
    if integration is OPENAI_CHAT:
        assert body["messages"][1] == answered
    assert '"hm"' in json.dumps(body)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "output_text", "text": "Yes.", "annotations": []},
        {"type": "input_text", "text": "Yes.", "annotations": []},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ],
    ids=lambda part: part["type"],
)
def test_a_part_as_the_responses_have_it_goes_back_to_them(part: dict[str, Any]) -> None:
    (item,) = sent(OPENAI_RESPONSES, {"role": "assistant", "content": [part]})["input"]
    assert item == {"role": "assistant", "content": [part]}


def test_arguments_that_were_read_are_text_again() -> None:
    call = {"id": "c1", "function": {"name": "f", "arguments": {"a": "é"}}}
    (message,) = sent(OPENAI_CHAT, {"role": "assistant", "tool_calls": [call]})["messages"]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"a": "é"}'


@dataclass(frozen=True)
class Own:
    """A block of a provider's own kind, as it is given and as it is sent."""

    integration: Integration
    block: dict[str, Any]
    #: Bytes are base64 on the wire.
    sent: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        return str(self.block.get("type", next(iter(self.block))))


SEARCHED = {"type": "web_search_result", "url": "https://example.com", "title": "T", "encrypted_content": "e"}
OWN = (
    Own(ANTHROPIC, {"type": "server_tool_use", "id": "s", "name": "tool_search_tool_regex", "input": {"query": "a"}}),
    Own(ANTHROPIC, {"type": "web_search_tool_result", "tool_use_id": "s", "content": [SEARCHED]}),
    Own(ANTHROPIC, {"type": "tool_search_tool_result", "tool_use_id": "s", "content": {"type": "tool_reference"}}),
    Own(ANTHROPIC, {"type": "compaction", "content": "Earlier."}),
    Own(OPENAI_RESPONSES, {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}}),
    Own(OPENAI_RESPONSES, {"type": "tool_search_output", "call_id": "c", "execution": "server", "tools": []}),
    Own(GEMINI, {"executableCode": {"language": "PYTHON", "code": "1"}}),
    Own(GEMINI, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
    Own(GEMINI, {"fileData": {"fileUri": "gs://b/f", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}}),
    Own(BEDROCK, {"guardContent": {"text": {"text": "a", "qualifiers": ["query"]}}}),
    Own(BEDROCK, {"citationsContent": {"content": [{"text": "a"}], "citations": []}}),
    Own(BEDROCK, {"video": {"format": "mp4", "source": {"bytes": b"\xff\x00"}}},
        {"video": {"format": "mp4", "source": {"bytes": "/wA="}}}),
    Own(OPENAI_CHAT, {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}),
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "own", [pytest.param(own, id=f"{own.integration.name}-{own.kind}", marks=own.integration.marks) for own in OWN]
)
def test_a_block_of_a_providers_own_kind_goes_to_it_as_it_is(own: Own, way: Way) -> None:
    body = sent(own.integration, {"role": "user", "content": [own.block]}, way=way)
    match own.integration.name:
        case "gemini":
            held = body["contents"][0]["parts"]
        case "openai-responses":
            held = body["input"]
        case _:
            held = body["messages"][0]["content"]
    assert held == [own.sent or own.block]


@pytest.mark.parametrize("own", OWN, ids=lambda own: own.kind)
def test_another_provider_refuses_it_by_its_name(own: Own) -> None:
    of_a_name = "type" not in own.block
    for other in INTEGRATIONS:
        if other is own.integration or own.kind in {"compaction", "video_url"} or other.marks:
            continue
        if other is BEDROCK and own.integration is GEMINI:
            # boto3 knows the names of Bedrock's blocks, and refuses others when it is asked.
            continue
        if other in (OPENAI_CHAT, AZURE, ANTHROPIC) and not of_a_name:
            # Their hosts have kinds of their own.
            continue
        llm = LLM(other.model, base_url="http://127.0.0.1:9", api_key="k")
        with pytest.raises(UsageError, match=f"no block of the kind '{own.kind}'"):
            llm.call([{"role": "user", "content": [own.block]}])


def test_a_marked_block_of_another_provider_in_a_result_is_refused_by_its_name() -> None:
    block = {
        "type": "search_result",
        "source": "s",
        "title": "t",
        "content": [],
        "cache_control": {"type": "ephemeral"},
    }
    llm = LLM(BEDROCK.model, base_url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match="no block of the kind 'search_result'"):
        llm.call([ASKED, {"role": "assistant", "tool_calls": [CALL]}, {**RESULT, "content": [block]}])


@pytest.mark.parametrize(
    "part",
    [{"type": "text", "text": 5}, {"type": "image"}, {"type": ""}, {}, {"role": "user"}, {"a": 1, "b": 2}],
    ids=json.dumps,
)
def test_a_part_that_is_none_is_no_block_of_anybodys(part: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="content"):
        read_messages([{"role": "user", "content": [part]}])


def test_the_known_types_are_those_that_this_project_has_words_for() -> None:
    words = set()
    for part in get_args(ContentPart):
        field = part.model_fields.get("type")
        if field is not None and part is not QuotedMessage and part.__name__ not in {"HostedItem", "OwnBlock"}:
            words |= set(get_args(field.annotation))
    assert words | {"json"} == KNOWN_TYPES


def stream(name: str) -> bytes:
    thoughts: dict[str, tuple[dict[str, Any], ...]] = {
        "reasoning_content": ({"reasoning_content": "Look "}, {"reasoning_content": "first."}),
        "reasoning": (
            {"reasoning": "Look ", "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "Look "}]},
            {"reasoning": "first.", "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "first."}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "index": 1, "data": "x"}]},
        ),
    }
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}
    events = (*map(openai_chat.event, thoughts[name]), openai_chat.event({"tool_calls": [call]}, "tool_calls"))
    return b"".join(events) + openai_chat.DONE


BACK: dict[str, dict[str, Any]] = {
    "reasoning_content": {"reasoning_content": "Look first."},
    "reasoning": {
        "reasoning": "Look first.",
        "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "text": "Look first."},
            {"type": "reasoning.encrypted", "index": 1, "data": "x"},
        ],
    },
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BACK)
@pytest.mark.parametrize("integration", [OPENAI_CHAT, AZURE], ids=lambda one: one.name)
def test_the_reasoning_of_a_host_goes_back_with_the_calls_that_it_led_to(
    integration: Integration, name: str, way: Way
) -> None:
    with Raw(stream(name), "text/event-stream") as server:
        llm = integration.llm(server)
        ran = streamed(llm, way, "Hi", tools=TOOLS)
        back = {"role": "assistant", "content": None, "tool_calls": ran.result}
        own = {**back, "reasoning_content": "Mine."}
        for message in (back, own, {"role": "assistant", "content": "No calls."}):
            streamed(llm, way, [ASKED, message, RESULT], tools=TOOLS)
        told = [json.loads(request.body)["messages"][1] for request in server.requests[1:]]
    assert told == [{**back, **BACK[name]}, own, {"role": "assistant", "content": "No calls."}]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_host_ties_to_a_call_goes_back_with_it(way: Way) -> None:
    tied = {"google": {"thought_signature": "s"}}
    calls = [
        {"index": place, "id": name, "function": {"name": "get_tide", "arguments": "{}"}}
        for place, name in enumerate("ab")
    ]
    body = (
        openai_chat.event({"tool_calls": [calls[0], {**calls[1], "extra_content": tied}]}, "tool_calls")
        + openai_chat.DONE
    )
    with Raw(body, "text/event-stream") as server:
        llm = OPENAI_CHAT.llm(server)
        asked_for = streamed(llm, way, "Hi", tools=TOOLS).result
        streamed(llm, way, [ASKED, {"role": "assistant", "content": None, "tool_calls": asked_for}], tools=TOOLS)
        told = json.loads(server.requests[-1].body)["messages"][1]["tool_calls"]
    assert told == [asked_for[0], {**asked_for[1], "extra_content": tied}]


@pytest.mark.parametrize("integration", [OPENAI_RESPONSES, ANTHROPIC, BEDROCK, GEMINI], ids=lambda one: one.name)
def test_values_of_python_in_a_use_of_a_tool_and_in_a_schema_are_sent_as_json(integration: Integration) -> None:
    value = {"on": date(2026, 11, 30), "most": inf}
    use = {"type": "tool_use", "id": "c1", "name": "get_tide", "input": value}
    result: dict[str, Any] = RESULT
    if integration in (BEDROCK, GEMINI):
        of_json = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "json", "value": value}]}
        result = {"role": "user", "content": [of_json]}
    schema = {"type": "object", "properties": {"when": {"enum": [value]}}}
    tools = [{"type": "function", "function": {"name": "get_tide", "parameters": schema}}]
    body = sent(integration, ASKED, {"role": "assistant", "content": [use]}, result, tools=tools)
    assert json.dumps(body, allow_nan=False).count("2026-11-30") == 2 + (result is not RESULT)


def test_hosted_items_stay_what_the_responses_api_takes() -> None:
    item = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "a"}}
    body = sent(OPENAI_RESPONSES, ASKED, {"role": "assistant", "content": [item]})
    assert body["input"][1] == item
