"""What only OpenAI's Responses API has: items, chains, settings that it lacks, and responses that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import ProviderError, ProviderStatusError, UsageError
from harness.llm import LLM
from harness.providers.openai.responses.model import OpenAIResponses
from tests.llm.scripted import WAYS, Way, in_session, streamed
from tests.providers.integrations import OPENAI_RESPONSES
from tests.providers.integrations.integration import ask
from tests.providers.integrations.openai_responses import END, TEXT, event, response
from tests.servers.openai.chat_wire import pieces
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.openai.responses_scenarios import Scenario, say
from tests.servers.raw import Raw
from tests.servers.script import HARBOUR_TEXT

PROMPTS = OPENAI_RESPONSES.prompts


@pytest.fixture
def server() -> Iterator[OpenAIResponsesServer]:
    with OpenAIResponsesServer() as running:
        yield running


CALL = {"id": "call_1", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}
PDF = "data:application/pdf;base64,JVBERg=="
#: Messages as users write them, and the input and instructions that come of them.
CONVERSATIONS: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]], str | None]] = [
    ("system messages that come first are instructions",
     [{"role": "system", "content": "Be brief."}, {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
      {"role": "user", "content": "Hi"}],
     [{"role": "user", "content": "Hi"}], "Be brief.\n\nBe kind."),
    ("a later system message stays in its place",
     [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}],
     [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}], None),
    ("tool calls and results",
     [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
      {"role": "tool", "tool_call_id": "call_1", "name": "get_tide", "content": "noon"}],
     [{"role": "user", "content": "Hi"},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "call_1", "output": "noon"}], None),
    ("text beside tool calls",
     [{"role": "assistant", "content": "I will look.", "tool_calls": [CALL]}],
     [{"role": "assistant", "content": "I will look."},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": "{}"}], None),
    ("images and files",
     [{"role": "user", "content": [
         {"type": "text", "text": "Look"},
         {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
         {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
         {"type": "image", "source": {"type": "file", "file_id": "file-1"}},
         {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
         {"type": "file", "file": {"file_id": "file-2"}},
         {"type": "document", "title": "b.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
         {"type": "document", "source": {"type": "url", "url": "https://example.com/c.pdf"}}]}],
     [{"role": "user", "content": [
         {"type": "input_text", "text": "Look"},
         {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
         {"type": "input_image", "image_url": "data:image/png;base64,iVBO"},
         {"type": "input_image", "file_id": "file-1"},
         {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
         {"type": "input_file", "file_id": "file-2"},
         {"type": "input_file", "filename": "b.pdf", "file_data": PDF},
         {"type": "input_file", "file_url": "https://example.com/c.pdf"}]}], None),
    ("what the assistant said in parts",
     [{"role": "assistant", "content": [{"type": "thinking", "thinking": "of another provider", "signature": "s"},
                                        {"type": "text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}]}],
     [{"role": "assistant", "content": [{"type": "output_text", "text": "Yes"}, {"type": "refusal", "refusal": "No"}]}],
     None),
    ("blocks of another provider",
     [{"role": "assistant", "content": [{"type": "text", "text": "I will look."},
                                        {"type": "tool_use", "id": "call_1", "name": "get_tide", "input": {"day": 1}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "noon"},
                                   {"type": "text", "text": "And?"}]}],
     [{"role": "assistant", "content": [{"type": "output_text", "text": "I will look."}]},
      {"type": "function_call", "call_id": "call_1", "name": "get_tide", "arguments": '{"day": 1}'},
      {"type": "function_call_output", "call_id": "call_1", "output": "noon"},
      {"role": "user", "content": [{"type": "input_text", "text": "And?"}]}], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "items", "instructions"), [row[1:] for row in CONVERSATIONS], ids=[row[0] for row in CONVERSATIONS]
)
def test_conversations_are_sent_as_items(
    messages: list[dict[str, Any]], items: list[dict[str, Any]], instructions: str | None, server: OpenAIResponsesServer
) -> None:
    with pytest.raises(ProviderStatusError, match="No scenario"):
        OPENAI_RESPONSES.llm(server).call(messages)
    body = server.requests[0].body
    assert body["input"] == items
    assert body.get("instructions") == instructions


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ({"role": "function", "name": "f", "content": "1"}, "role 'function'"),
        ({"role": "tool", "content": "1"}, "tool_call_id"),
        ({"role": "user", "content": [{"role": "user", "content": "nested"}]}, "a message part can't stand"),
        ({"role": "user", "content": [{"type": "document", "source": {"type": "content", "content": "a"}}]}, "blocks"),
    ],
)
def test_messages_that_have_no_form_here_are_refused(message: dict[str, Any], what: str) -> None:
    llm = LLM("openai-responses/gpt-4o-mini", api_key="unused", base_url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match=what):
        llm.call([message])


@pytest.mark.parametrize("setting", [{"seed": 1}, {"n": 2}, {"top_k": 3}, {"presence_penalty": 0.1}])
def test_settings_that_this_api_lacks_are_refused_before_anything_is_sent(
    setting: dict[str, Any], server: OpenAIResponsesServer
) -> None:
    (name,) = setting
    with pytest.raises(UsageError, match=f"no '{name}'"):
        OPENAI_RESPONSES.llm(server, **setting).call("Hi")
    assert server.requests == []


def test_thinking_that_says_nothing_known_is_refused(server: OpenAIResponsesServer) -> None:
    with pytest.raises(UsageError, match="thinking is 7"):
        OPENAI_RESPONSES.llm(server, thinking=7).call("Hi")


@pytest.mark.parametrize("way", WAYS)
def test_a_chain_goes_on_from_the_last_answer_until_it_is_reset(way: Way, server: OpenAIResponsesServer) -> None:
    llm = OPENAI_RESPONSES.llm(server, auto_chain=True)
    assert isinstance(llm, OpenAIResponses)
    assert llm.last_response_id is None
    first = streamed(llm, way, PROMPTS["chain_name"])
    assert first.frames[-1].data["response_id"] == llm.last_response_id
    assert streamed(llm, way, PROMPTS["truncated"]).error is not None
    assert streamed(llm, way, PROMPTS["chain_recall"]).result == "Your name is Ada."
    llm.reset_chain()
    assert isinstance(streamed(llm, way, PROMPTS["chain_recall"]).error, ProviderStatusError)
    told = [request.body.get("previous_response_id") for request in server.requests]
    assert told == [None, first.frames[-1].data["response_id"], first.frames[-1].data["response_id"], None]


@pytest.mark.parametrize("way", WAYS)
def test_the_end_of_the_answer_is_the_end_of_the_call_though_the_connection_stays(way: Way) -> None:
    events = len(tuple(pieces(HARBOUR_TEXT))) + 9
    prompt = PROMPTS["text"]
    with OpenAIResponsesServer({"held": Scenario(prompt, (say(HARBOUR_TEXT, hold=events),))}) as holding:
        ran = streamed(OPENAI_RESPONSES.llm(holding), way, prompt)
        assert (ran.error, ran.result) == (None, HARBOUR_TEXT)
        holding.wait_for(lambda: holding.held == 1)


@pytest.mark.parametrize("status", ["failed", "queued"])
def test_a_whole_answer_that_is_no_end_is_a_failure(status: str) -> None:
    with Raw(json.dumps(response(status)).encode(), "application/json") as server:
        ran = in_session(OPENAI_RESPONSES.llm(server, stream=False), "sync", "Hi")
    assert isinstance(ran.error, ProviderError)
    assert status in str(ran.error)


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_response_that_has_failed_is_a_failure_without_a_status(
    way: Way, server: OpenAIResponsesServer
) -> None:
    error = ask(OPENAI_RESPONSES.llm(server), way, False, PROMPTS["response_failed"]).error
    assert type(error) is ProviderError
    assert (error.status, error.code, error.retryable) == (None, "server_error", True)
    assert error.request_id is not None


@pytest.mark.parametrize("kind", ["response.queued", "response.in_progress"])
def test_chunks_have_the_id_of_a_response_that_is_not_told_as_created(kind: str) -> None:
    waiting = event(kind, response=response("in_progress"))
    with Raw(waiting + TEXT + END) as server:
        ran = streamed(OPENAI_RESPONSES.llm(server), "sync", "Hi")
    assert [frame.data["response_id"] for frame in ran.frames[1:]] == [response("completed")["id"]] * 2
