"""Messages and tools are read into typed values that send exactly what was given, and errors name the place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.conversation import ConversationMessage
from harness.errors import UsageError
from harness.llm import Message, ToolDefinition
from harness.llm.input.reader import read_messages, read_tools
from tests.llm.scripted import Scripted, streamed

ASKED = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
GIVEN: list[list[dict[str, Any]]] = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "x"}, {"role": "user", "content": ""}],
    [{"role": "assistant", "content": None, "tool_calls": [ASKED]}, {"role": "tool", "tool_call_id": "c1", "content": "1"}],
    [{"role": "assistant", "tool_calls": [ASKED]}],
    [{"role": "user", "name": "ada", "content": [{"type": "text", "text": "Look:"},
      {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}]}],
    [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}},
      {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]}],
    [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": None}],
]  # fmt: skip


@pytest.mark.parametrize("messages", GIVEN, ids=range(len(GIVEN)))
def test_what_was_given_is_sent_and_nothing_else(messages: list[dict[str, Any]]) -> None:
    assert [message.given() for message in read_messages(messages)] == messages


def test_the_nulls_of_a_dumped_message_that_providers_refuse_are_left_out() -> None:
    dumped = ConversationMessage(role="user", content="Hi").model_dump()
    assert (dumped["name"], dumped["tool_calls"], dumped["tool_call_id"]) == (None, None, None)
    for message in (*read_messages([dumped]), Message(**dumped)):
        assert message.given() == {"role": "user", "content": "Hi", "files": None, "metadata": {}}


def test_a_string_is_one_user_message() -> None:
    assert read_messages("Hi") == [Message(role="user", content="Hi")]


def test_typed_messages_and_tools_are_taken_as_they_are() -> None:
    message = Message(role="user", content="Hi")
    tool = ToolDefinition.model_validate({"function": {"name": "add"}})
    assert read_messages([message]) == [message]
    assert read_tools([tool]) == [tool]


def test_messages_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_messages("Hi")[0].content = "Bye"


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": "Hi"}, {"role": "pirate", "content": "Arr"}], r"messages\[1\]\.role: expected 'system', .*, not 'pirate'"),
        ([{"content": "Hi"}], r"messages\[0\]\.role: expected a value, and none was given"),
        ([{"role": "user", "contents": "Hi"}], r"messages\[0\]: there is no field 'contents'; did you mean 'content'\?"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "citatoins": []}]}], r"messages\[0\]\.content\[1\]: there is no field 'citatoins'; did you mean 'citations'\?"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}], r"messages\[0\]\.content\[0\]\.image_url: expected an object, not 'x'"),
        ([{"role": "user", "content": 3}], r"messages\[0\]\.content"),
        ([{"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "add"}}]}],
         r"messages\[0\]\.tool_calls\[0\]\.function\.arguments: expected a value, and none was given"),
        (["Hi"], r"messages\[0\]: expected an object, not 'Hi'"),
        (None, "messages: expected text, or a list of messages such as .*, not None"),
        ({"role": "user", "content": "Hi"}, "messages: expected text, or a list of messages such as .*, not dict"),
        ([{"role": "user", "content": {"type": "text"}}], r"messages\[0\]\.content: expected text or a list of parts, not an object"),
        ([{"role": "user", "content": ["Hi"]}], r"messages\[0\]\.content\[0\]: expected an object, not 'Hi'"),
    ],
    ids=["role", "no role", "extra", "extra in a part", "part", "content", "deep", "no message", "nothing", "one", "no parts", "no part"],
)  # fmt: skip
def test_messages_that_are_none_are_refused_before_anything_is_published(messages: Any, place: str) -> None:
    llm = Scripted()
    ran = streamed(llm, "sync", messages)
    assert (ran.frames, llm.requests) == ([], [])
    assert isinstance(ran.error, UsageError)
    with pytest.raises(UsageError, match=f"^{place}"):
        raise ran.error


@pytest.mark.parametrize(
    ("tools", "place"),
    [
        ([{"type": "function", "function": {}}], r"tools\[0\]\.function\.name: expected a value, and none was given"),
        ([{"function": {"name": "add"}}, {"type": "magic", "function": {"name": "x"}}], r"tools\[1\]"),
        (print, "tools: expected a list of tools, not builtin_function_or_method"),
        ([{"function": {"name": "add", "parameters": "none"}}], r"tools\[0\]\.function\.parameters"),
    ],
)
def test_tools_that_are_none_are_refused_with_the_place(tools: Any, place: str) -> None:
    with pytest.raises(UsageError, match=f"^{place}"):
        Scripted().call("Hi", tools=tools)


@pytest.mark.parametrize("tools", [None, []])
def test_no_tools_are_no_tools(tools: Any) -> None:
    assert read_tools(tools) == []
