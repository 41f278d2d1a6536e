"""A custom tool of OpenAI's is given text, and its call goes back in its own form: in calls, in runs of tools, in replays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.llm import LLM
from harness.providers.openai import request as chat
from harness.providers.openai.responses import request as responses
from tests.llm.scripted import WAYS, Way, called, streamed
from tests.providers.integrations import (
    ANTHROPIC,
    BEDROCK,
    GEMINI,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    openai_chat,
    openai_responses,
)
from tests.providers.integrations.integration import Integration
from tests.providers.recorded.sending_again import sent_again
from tests.servers.raw import Raw

#: Text that as arguments would be those of two calls.
CODE = '{"x": 1} {"y": 2}'
ASKED = {"role": "user", "content": "Hi"}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "done"}
CHAT_CALL = {"id": "c1", "type": "custom", "custom": {"name": "run", "input": CODE}}
ITEM = {"type": "custom_tool_call", "call_id": "c1", "name": "run", "input": CODE}
OUTPUT = {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}
CHAT_TOOL = {"type": "custom", "custom": {"name": "run"}}
RESPONSES_TOOL = {"type": "custom", "name": "run"}


def chat_answer(streams: bool) -> bytes:
    if not streams:
        message = {"content": None, "tool_calls": [CHAT_CALL]}
        return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    first = {**CHAT_CALL, "index": 0, "custom": {"name": "run", "input": CODE[:9]}}
    rest = {"index": 0, "custom": {"input": CODE[9:]}}
    pieces = b"".join(openai_chat.event({"tool_calls": [one]}) for one in (first, rest))
    return pieces + openai_chat.event({}, "tool_calls") + openai_chat.DONE


def responses_answer(streams: bool) -> bytes:
    whole = openai_responses.response("completed", output=[{**ITEM, "id": "ctc_1"}])
    if not streams:
        return json.dumps(whole).encode()
    added = openai_responses.event(
        "response.output_item.added", output_index=0, item={**ITEM, "id": "ctc_1", "input": ""}
    )
    delta = openai_responses.event("response.custom_tool_call_input.delta", output_index=0, item_id="ctc_1", delta=CODE)
    return openai_responses.CREATED + added + delta + openai_responses.event("response.completed", response=whole)


CASES = [
    pytest.param(OPENAI_CHAT, CHAT_TOOL, chat_answer, id="chat"),
    pytest.param(OPENAI_RESPONSES, RESPONSES_TOOL, responses_answer, id="responses"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("integration", "tool", "answer"), CASES)
def test_a_call_is_given_back_in_its_own_form(
    integration: Integration, tool: dict[str, Any], answer: Any, streams: bool, way: Way
) -> None:
    with Raw(answer(streams), "text/event-stream" if streams else "application/json") as server:
        llm = integration.llm(server)
        llm.stream = streams
        calls = called(llm, way, [ASKED], tools=[tool])
        assert calls == [{"id": "c1", "type": "function", "function": {"name": "run", "arguments": CODE}}]
        back = {"role": "assistant", "content": None, "tool_calls": calls}
        called(llm, way, [ASKED, back, RESULT], tools=[tool])
        body = json.loads(server.requests[-1].body)
    if integration is OPENAI_CHAT:
        assert body["messages"][1:] == [{**back, "tool_calls": [CHAT_CALL]}, RESULT]
    else:
        assert body["input"][1:] == [ITEM, OUTPUT]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("integration", "tool", "answer"), CASES)
def test_the_function_of_a_custom_tool_is_given_the_text(
    integration: Integration, tool: dict[str, Any], answer: Any, way: Way
) -> None:
    with Raw(answer(True)) as server:
        ran = streamed(
            integration.llm(server), way, [ASKED], tools=[tool], available_functions={"run": lambda text: text.upper()}
        )
    assert ran.error is None
    assert ran.result == CODE.upper()
    (started,) = [frame for frame in ran.frames if frame.type == "tool_usage_started"]
    assert started.data["tool_args"] == CODE


def test_the_form_of_an_sdk_is_taken() -> None:
    back = {"role": "assistant", "content": None, "tool_calls": [CHAT_CALL]}
    for integration, answer in ((OPENAI_CHAT, chat_answer), (OPENAI_RESPONSES, responses_answer)):
        with Raw(answer(True)) as server:
            streamed(integration.llm(server), "sync", [ASKED, back, RESULT])
            body = json.loads(server.requests[-1].body)
        said = body["messages"][1:] if integration is OPENAI_CHAT else body["input"][1:]
        assert said == ([back, RESULT] if integration is OPENAI_CHAT else [ITEM, OUTPUT])


@pytest.mark.parametrize("integration", [ANTHROPIC, BEDROCK, GEMINI], ids=lambda one: one.name)
def test_other_providers_are_given_it_as_a_functions_call(integration: Integration) -> None:
    back = {"role": "assistant", "content": None, "tool_calls": [CHAT_CALL]}
    with Raw(b'{"error": {"message": "enough"}}', "application/json", 400) as server:
        streamed(integration.llm(server), "sync", [ASKED, back, RESULT])
        sent = json.dumps(json.loads(server.requests[-1].body))
    assert json.dumps({"input": CODE}) in sent


def test_recorded_calls_are_made_again_from_our_own_words() -> None:
    recorded = {"model": "gpt-5", "messages": [ASKED, {"role": "assistant", "tool_calls": [CHAT_CALL]}, RESULT],
                "tools": [CHAT_TOOL]}  # fmt: skip
    call = chat.parse_recorded("https://api.openai.com/v1/chat/completions", json.dumps(recorded).encode())
    assert call.messages == recorded["messages"]
    items = {"model": "gpt-5", "input": [ASKED, {**ITEM, "id": "ctc_1", "status": "completed"}, {**OUTPUT, "id": "o"}],
             "tools": [RESPONSES_TOOL]}  # fmt: skip
    found = responses.parse_recorded("https://api.openai.com/v1/responses", json.dumps(items).encode())
    assert "input" not in found.settings.get("additional_params", {})
    for url, body in (("chat/completions", recorded), ("responses", items)):
        sent = sent_again(f"https://api.openai.com/v1/{url}", json.dumps(body).encode())
        assert json.loads(sent.body) == body


def test_a_tool_of_anthropic_that_says_custom_is_a_function() -> None:
    tool = {"type": "custom", "name": "f", "input_schema": {"type": "object"}}
    request = LLM("anthropic/claude-sonnet-4-5", api_key="k")._llm_begin([ASKED], [tool], None, None, None).request
    assert not request.custom_tools
