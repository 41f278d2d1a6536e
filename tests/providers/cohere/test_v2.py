"""The second version of Cohere's chat API: asked, answered whole and in events, and made again from what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import MalformedResponseError, ProviderError, StreamTruncatedError, UsageError
from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages, read_tools
from harness.providers.cohere.v2_request import wire_body
from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.sending_again import Sent, sent_again

URL = "https://api.cohere.com/v2/chat"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
WHOLE: dict[str, Any] = {**ASKED, "stream": False}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
TOKENS = {"input_tokens": 5.0, "output_tokens": 2.0}
USAGE = {"billed_units": {"input_tokens": 1}, "tokens": TOKENS, "cached_tokens": 3}
CALL = {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}


def event(kind: str, index: int | None = None, **said: Any) -> dict[str, Any]:
    return {"type": kind, **({} if index is None else {"index": index}), "delta": {"message": said}}


def end(reason: str, **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **more}}


def sse(*events: Any) -> str:
    return "".join(f"data: {json.dumps(one)}\n\n" for one in events)


START = {"id": "a", "type": "message-start", "delta": {"message": {"role": "assistant", "content": []}}}
THINKS = event("content-delta", 0, content={"thinking": "Hm."})
SAYS = (
    event("content-start", 1, content={"type": "text", "text": "Hel"}), event("content-delta", 1, content={"text": "l"}),
    # As hosts may send it.
    event("content-delta", 1, content=[{"text": ""}, "o"]),
)  # fmt: skip
CALLS = (
    event("tool-plan-delta", tool_plan="I look."),
    event("tool-call-start", 0, tool_calls={**CALL, "function": {"name": "look", "arguments": ""}}),
    event("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"at"'}}),
    event("tool-call-delta", 0, tool_calls={"function": {"arguments": ": 1}"}}),
    {"type": "tool-call-end", "index": 0},
    event("tool-call-start", 1, tool_calls={**CALL, "id": "look_2"}),
)
DONE = "data: [DONE]\n\n"


def answer(reason: str, **message: Any) -> str:
    return json.dumps({"id": "a", "message": {"role": "assistant", **message}, "finish_reason": reason, "usage": USAGE})


def replayed(folder: Path, asked: dict[str, Any], sent: str) -> Replayed:
    return played(folder, URL, asked, sent, "text/event-stream" if asked["stream"] else "application/json")


TEXT = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello"}]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (ASKED, sse(START, THINKS, *SAYS, end("COMPLETE")) + DONE),
        (ASKED, sse(START, THINKS, *SAYS, {"type": "citation-end", "index": 0}, end("COMPLETE"))),
        (WHOLE, answer("COMPLETE", content=TEXT)),
        (WHOLE, answer("COMPLETE", content="Hello")),
    ],
    ids=["streamed", "without [DONE]", "whole", "whole, as a text"],
)
def test_an_answer_is_its_text_and_thoughts_with_usage_and_reason(asked: Any, sent: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, asked, sent)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hello"
    last = run.frames[-1].data
    assert last["finish_reason"] == "stop"
    # What was read, and not what is billed.
    told = [last["usage"][name] for name in ("prompt_tokens", "total_tokens", "cached_prompt_tokens")]
    assert told == [5, 7, 3]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (ASKED, sse(START, *CALLS, end("TOOL_CALL"))),
        (WHOLE, answer("TOOL_CALL", tool_plan="I look.", tool_calls=[CALL, {**CALL, "id": "look_2"}])),
    ],
    ids=["streamed", "whole"],
)
def test_calls_are_told_apart(asked: Any, sent: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, {**asked, "tools": [TOOL]}, sent)
    assert (run.problems, run.error) == ([], None)
    assert run.frames[-1].data["finish_reason"] == "tool_calls"
    told = [(call["id"], json.loads(call["function"]["arguments"])) for call in run.sessions[0].result]
    assert told == [("look_1", {"at": 1}), ("look_2", {"at": 1})]


@pytest.mark.parametrize("indices", [(0, 1), (0, 0), (None, None)], ids=["two", "one", "none"])
@pytest.mark.parametrize("ids", [("a", "b"), (None, None)], ids=["ids", "no ids"])
def test_each_start_is_a_call_of_its_own(ids: Any, indices: Any, tmp_path: Path) -> None:
    starts = [
        event("tool-call-start", index, tool_calls={"id": call_id, "function": {"name": "look"}})
        for call_id, index in zip(ids, indices, strict=True)
    ]
    piece = event("tool-call-delta", indices[1], tool_calls={"function": {"arguments": '{"at": 2}'}})
    run = replayed(tmp_path, {**ASKED, "tools": [TOOL]}, sse(START, *starts, piece, end("TOOL_CALL")))
    assert run.error is None
    assert [call["function"]["arguments"] for call in run.sessions[0].result] == ["", '{"at": 2}']


@pytest.mark.parametrize(
    ("sent", "error", "said"),
    [
        (sse(START, *SAYS), StreamTruncatedError, "end marker"),
        (sse(START, *SAYS) + DONE, StreamTruncatedError, "end marker"),
        (sse(START, *SAYS, {"message": "overloaded"}), ProviderError, "overloaded"),
        (sse(START, end("ERROR", error="the model is gone")), ProviderError, "the model is gone"),
        (sse(START, end("TIMEOUT")), ProviderError, "'TIMEOUT'"),
        (sse(START, end("TOOL_CALL")), MalformedResponseError, "has none"),
        (sse({"type": "message-end"}) + DONE, MalformedResponseError, "nothing but an end"),
        ("{}", MalformedResponseError, "nothing but an end"),
        (json.dumps({"text": "Hello", "finish_reason": "COMPLETE"}), MalformedResponseError, "Hello"),
        (json.dumps({"id": "c", "choices": [{"message": {"content": "Hello"}}]}), MalformedResponseError, "Hello"),
        (
            sse(START, event("content-delta", 0, content={"text": ["Hel"]})),
            MalformedResponseError,
            "in place of a text",
        ),
        ('{"message": "invalid request"}', ProviderError, "invalid request"),
    ],
)
def test_what_is_no_whole_answer_is_a_failure(sent: str, error: type[Exception], said: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, ASKED, sent)
    assert type(run.error) is error
    assert said in str(run.error)


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Look"}]},
    {"role": "assistant", "tool_calls": [CALL], "tool_plan": "I look."},
    {"role": "tool", "tool_call_id": "look_1", "content": "Seen"},
]


@pytest.mark.parametrize(
    "body",
    [
        ASKED,
        {"model": "m", "messages": ASKED["messages"]},
        {**WHOLE, "messages": CONVERSATION, "tools": [TOOL], "p": 0.5, "k": 3, "thinking": {"type": "disabled"}},
        {**ASKED, "tools": [], "documents": ["a"], "response_format": {"type": "json_object"}},
        # Tools in another form than ours.
        {**ASKED, "tools": [TOOL, TOOL["function"]]},
        {
            **ASKED,
            "messages": [{"role": "tool", "tool_call_id": "c", "content": [{"type": "document", "document": {}}]}],
        },
    ],
)
def test_any_request_is_sent_again_as_it_was(body: Any) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(URL, asked) == Sent.of(URL, asked)


class Report(BaseModel):
    city: str


def test_settings_have_their_places_and_what_led_to_a_call_goes_back_with_it() -> None:
    llm: Any = LLM("cohere-v2/m", api_key="k", max_tokens=5, top_p=0.5, stop="a", thinking=True)
    first = LLMRequest(read_messages("Look"), read_tools([TOOL]))
    told = llm._answer(first)
    list(told.piece(sse(START, THINKS, *CALLS, end("TOOL_CALL")).encode()))
    list(told.end())
    llm._keep(first, told)
    messages = read_messages([*first.messages, {"role": "assistant", "content": None, "tool_calls": [CALL]}])
    asked = LLMRequest(messages, read_tools([TOOL]), stream=True, stop=llm.stop, response_format=Report)
    assert llm._arguments(asked)["body"] == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Look"},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "Hm."}],
                "tool_calls": [CALL],
                "tool_plan": "I look.",
            },
        ],
        "stream": True,
        "max_tokens": 5,
        "p": 0.5,
        "thinking": {"type": "enabled"},
        "stop_sequences": ["a"],
        "tools": [TOOL],
        "response_format": {"type": "json_object", "json_schema": Report.model_json_schema()},
    }


def test_what_has_no_form_there_is_refused() -> None:
    audio = [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]
    with pytest.raises(UsageError, match="'input_audio'"):
        LLM("cohere-v2/m", api_key="k").call([{"role": "user", "content": audio}])
    with pytest.raises(UsageError, match="reasoning_effort"):
        wire_body(LLM("cohere-v2/m", reasoning_effort="low"), LLMRequest(read_messages("Hi")))
