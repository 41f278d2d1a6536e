"""The first version of Cohere's chat API: asked, answered whole and in lines, and made again from what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import MalformedResponseError, ProviderError, StreamTruncatedError, UsageError
from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages, read_tools
from harness.providers.cohere.request import wire_body
from harness.providers.registry import recognized
from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.sending_again import Sent, sent_again

URL = "https://api.cohere.com/v1/chat"
ASKED: dict[str, Any] = {"message": "Hi", "stream": True}
WHOLE: dict[str, Any] = {"message": "Hi", "stream": False}
TOKENS = {"input_tokens": 5, "output_tokens": 2}
ANSWER: dict[str, Any] = {
    "response_id": "r",
    "generation_id": "g",
    "text": "Hello",
    "finish_reason": "COMPLETE",
    "meta": {"tokens": TOKENS, "billed_units": {"input_tokens": 1, "output_tokens": 2}},
}
CALLS = [{"name": "look", "parameters": {"at": 1}}, {"name": "look", "parameters": {"at": 2}}]
TOOL = {"name": "look", "description": "Look.", "parameter_definitions": {"at": {"type": "int", "required": True}}}


def lines(*events: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


def event(kind: str, **said: Any) -> dict[str, Any]:
    return {"is_finished": kind == "stream-end", "event_type": kind, **said}


START = event("stream-start", generation_id="g")
HEL, LO = event("text-generation", text="Hel"), event("text-generation", text="lo")
END = event("stream-end", response=ANSWER, finish_reason="COMPLETE")


def replayed(folder: Path, asked: dict[str, Any], answer: str) -> Replayed:
    return played(folder, URL, asked, answer, "application/stream+json" if asked["stream"] else "application/json")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (ASKED, lines(START, HEL, LO, event("citation-generation", citations=[]), END)),
        (ASKED, lines(START, HEL, LO, END).rstrip()),
        # What has come in no event before is in the last.
        (ASKED, lines(START, END)),
        (ASKED, lines(START, HEL, END)),
        (WHOLE, json.dumps(ANSWER)),
        (WHOLE, json.dumps(ANSWER, indent=1)),
    ],
    ids=[
        "streamed",
        "no last line end",
        "only the end",
        "its rest at the end",
        "whole",
        "whole on several lines",
    ],
)
def test_an_answer_is_its_text_once_with_usage_and_reason(asked: Any, answer: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, asked, answer)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hello"
    last = run.frames[-1].data
    # What was read, and not what is billed.
    assert (last["finish_reason"], last["usage"]["prompt_tokens"], last["usage"]["total_tokens"]) == ("stop", 5, 7)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (ASKED, lines(START, event("tool-calls-generation", tool_calls=CALLS), END)),
        (ASKED, lines(START, event("stream-end", response={**ANSWER, "tool_calls": CALLS}, finish_reason="COMPLETE"))),
        (
            ASKED,
            lines(
                START,
                event("tool-calls-generation", tool_calls=CALLS[:1]),
                event("stream-end", response={**ANSWER, "tool_calls": CALLS}, finish_reason="COMPLETE"),
            ),
        ),
        (WHOLE, json.dumps({**ANSWER, "tool_calls": CALLS})),
    ],
    ids=["streamed", "only at the end", "their rest at the end", "whole"],
)
def test_calls_are_told_apart_and_are_why_it_ended(asked: Any, answer: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, {**asked, "tools": [TOOL]}, answer)
    assert (run.problems, run.error) == ([], None)
    assert run.frames[-1].data["finish_reason"] == "tool_calls"
    told = [(call["id"], json.loads(call["function"]["arguments"])) for call in run.sessions[0].result]
    assert told == [("call_0", {"at": 1}), ("call_1", {"at": 2})]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (lines(START, HEL), StreamTruncatedError, "end marker"),
        (lines(START, HEL) + lines(END)[:60], StreamTruncatedError, "in the middle of"),
        (lines(START, HEL, {"message": "overloaded"}), ProviderError, "overloaded"),
        (lines({"message": "invalid request"}), ProviderError, "invalid request"),
        (lines(START, HEL, {**END, "finish_reason": "ERROR"}), ProviderError, "'ERROR'"),
        (lines(START, HEL, {**END, "finish_reason": "USER_CANCEL"}), ProviderError, "'USER_CANCEL'"),
        (lines(START, event("text-generation", text=["Hel"])), MalformedResponseError, "in place of a text"),
        (lines(START, event("tool-calls-generation", tool_calls=[{}])), MalformedResponseError, "has no name"),
        (lines(START, {"generation_id": "g"}), MalformedResponseError, "no type"),
        (lines({"event_type": "stream-end"}), MalformedResponseError, "nothing but an end"),
        (lines(START, event("text-generation", text="x"), END), MalformedResponseError, "'x' in pieces"),
        (
            lines(
                START,
                event("tool-calls-generation", tool_calls=CALLS[:1]),
                event("stream-end", response={**ANSWER, "tool_calls": CALLS[1:]}),
            ),
            MalformedResponseError,
            "as a whole",
        ),
        ("<html>Bad gateway</html>", MalformedResponseError, "Bad gateway"),
        ("<html>\n<p>Bad gateway</p>\n</html>", MalformedResponseError, "Bad gateway"),
        (json.dumps({"message": "invalid request"}, indent=2), ProviderError, "invalid request"),
    ],
)
def test_what_is_no_whole_answer_is_a_failure(answer: str, error: type[Exception], said: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, ASKED, answer)
    assert type(run.error) is error
    assert said in str(run.error)


@pytest.mark.parametrize(
    "body",
    [
        ASKED,
        WHOLE,
        {"message": "Hi"},
        {"model": "m", "message": "Hi", "stream": None, "connectors": [{"id": "web-search"}], "preamble": "Be brief."},
        {"message": "", "tools": [TOOL], "tool_results": [{"call": CALLS[0], "outputs": [{"a": 1}]}], "p": 0.5},
        {"message": "Hi", "chat_history": [{"role": "USER", "message": "Ho"}, {"role": "CHATBOT", "message": "Hm"}]},
    ],
)
def test_any_request_is_sent_again_as_it_was(body: Any) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(URL, asked) == Sent.of(URL, asked)


def test_a_path_of_that_name_elsewhere_is_told_by_its_body() -> None:
    other = "https://app.example/v1/chat"
    assert recognized("POST", other, b'{"messages": []}') is None
    assert recognized("POST", other, b"[]") is None
    assert recognized("POST", other, b'{"message": "Hi"}') is not None


class Report(BaseModel):
    city: str


def test_a_conversation_and_settings_have_their_places() -> None:
    parameters = {
        "type": "object",
        "properties": {"at": {"type": "integer"}, "why": {"type": "string", "description": "Why."}},
        "required": ["at"],
    }
    tools = [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": parameters}}]
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    said: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "Seen"},
    ]
    llm = LLM("cohere-v1/m", api_key="k", max_tokens=5, top_p=0.5, top_k=3, stop="a")
    asked = LLMRequest(read_messages(said), read_tools(tools), stream=True, stop=llm.stop, response_format=Report)
    called = {"name": "look", "parameters": {"at": 1}}
    assert wire_body(llm, asked) == {
        "model": "m",
        "message": "",
        "tool_results": [{"call": called, "outputs": [{"output": "Seen"}]}],
        "chat_history": [
            {"role": "SYSTEM", "message": "Be brief."},
            {"role": "USER", "message": "Look"},
            {"role": "CHATBOT", "message": "", "tool_calls": [called]},
        ],
        "stream": True,
        "max_tokens": 5,
        "p": 0.5,
        "k": 3,
        "stop_sequences": ["a"],
        "tools": [
            {
                "name": "look",
                "description": "Look.",
                "parameter_definitions": {
                    "at": {"type": "int", "required": True},
                    "why": {"description": "Why.", "type": "str", "required": False},
                },
            }
        ],
        "response_format": {"type": "json_object", "schema": Report.model_json_schema()},
    }


@pytest.mark.parametrize(
    ("settings", "messages", "said"),
    [
        ({"n": 2}, [{"role": "user", "content": "Hi"}], "n can't be sent"),
        ({"thinking": True}, [{"role": "user", "content": "Hi"}], "thinking can't be sent"),
        ({}, [{"role": "assistant", "content": "Hi"}], "ends with"),
        ({}, [{"role": "tool", "content": "Hi", "tool_call_id": "c"}], "names the call 'c'"),
        (
            {},
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}],
            "'image_url'",
        ),
    ],
)
def test_what_has_no_form_there_is_refused_before_anything_is_sent(settings: Any, messages: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LLM("cohere-v1/m", api_key="k", **settings).call(messages)


def test_an_argument_whose_type_has_no_name_there_is_refused() -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"anyOf": []}}}}
    with pytest.raises(UsageError, match="'a' of 'f'"):
        LLM("cohere-v1/m", api_key="k").call("Hi", tools=[{"type": "function", "function": function}])
