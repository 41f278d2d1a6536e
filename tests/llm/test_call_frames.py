"""The parts that a model sends become frames and an answer: the same ones on every way to make the call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.errors import MalformedResponseError, ProviderError, StreamTruncatedError
from harness.frames.legacy import StreamChunkType, stream_frame_to_chunk
from harness.llm import Finish, ResponseStarted, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from tests.llm.scripted import WAYS, AsyncScripted, Scripted, Step, Way, called, in_session, streamed, text_of

END = Finish("stop", "stop")
CALLED = Finish("tool_calls", "tool_calls")


def call(index: int, arguments: str, id: str | None = None, name: str | None = None) -> ToolCallDelta:
    return ToolCallDelta(index, id, name, arguments)


def payload(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


@dataclass(frozen=True)
class Answer:
    name: str
    script: tuple[Step, ...]
    #: The lines between started and the last one.
    chunks: list[str]
    #: The last line.
    last: str
    result: Any = None
    raises: type[BaseException] | None = None
    requests: int = field(default=1)


ANSWERS = [
    Answer("text", (ResponseStarted("r1"), TextDelta("Hel"), TextDelta("lo"), END),
           ["text 'Hel'", "text 'lo'"], "completed 'Hello' stop", "Hello"),
    Answer("nothing but an end", (END,), [], "completed '' stop", ""),
    Answer("an empty delta is no chunk", (TextDelta(""), TextDelta("a"), END), ["text 'a'"], "completed 'a' stop", "a"),
    Answer("unknown reason", (TextDelta("a"), Finish(None)), ["text 'a'"], "completed 'a' None", "a"),
    Answer("length", (TextDelta("a"), Finish("length", "max_tokens")), ["text 'a'"], "completed 'a' length", "a"),
    Answer("thinking", (ThinkingDelta("hm"), ThinkingDelta("…"), TextDelta("42"), END),
           ["thinking 'hm'", "thinking '…'", "text '42'"], "completed '42' stop", "42"),
    Answer("one tool", (call(0, "", "c1", "add"), call(0, '{"a":'), call(0, "1}"), CALLED),
           ["call 0 c1 add '' of ", "call 0 c1 add '{\"a\":' of {\"a\":", "call 0 c1 add '1}' of {\"a\":1}"],
           "completed ['c1 add {\"a\":1}'] tool_calls", [payload("c1", "add", '{"a":1}')]),
    Answer("text before a tool", (TextDelta("Let me see."), call(0, "{}", "c1", "add"), CALLED),
           ["text 'Let me see.'", "call 0 c1 add '{}' of {}"], "completed ['c1 add {}'] tool_calls",
           [payload("c1", "add", "{}")]),
    Answer("parallel, interleaved",
           (call(0, "", "c1", "add"), call(1, "", "c2", "sub"), call(1, "{1"), call(0, "{0"), call(1, "}"),
            call(0, "}"), CALLED),
           ["call 0 c1 add '' of ", "call 1 c2 sub '' of ", "call 1 c2 sub '{1' of {1", "call 0 c1 add '{0' of {0",
            "call 1 c2 sub '}' of {1}", "call 0 c1 add '}' of {0}"],
           "completed ['c1 add {0}', 'c2 sub {1}'] tool_calls", [payload("c1", "add", "{0}"), payload("c2", "sub", "{1}")]),
    Answer("equal index, new ids", (call(0, "{1}", "c1", "add"), call(0, "{2", "c2", "add"), call(0, "}"), CALLED),
           ["call 0 c1 add '{1}' of {1}", "call 1 c2 add '{2' of {2", "call 1 c2 add '}' of {2}"],
           "completed ['c1 add {1}', 'c2 add {2}'] tool_calls", [payload("c1", "add", "{1}"), payload("c2", "add", "{2}")]),
    Answer("the id repeated in every piece", (call(0, "{", "c1", "add"), call(0, "}", "c1"), CALLED),
           ["call 0 c1 add '{' of {", "call 0 c1 add '}' of {}"], "completed ['c1 add {}'] tool_calls",
           [payload("c1", "add", "{}")]),
    Answer("ids not sent are made, one for each", (call(0, "{}", None, "add"), call(3, "{}", None, "add"), CALLED),
           ["call 0 call_0 add '{}' of {}", "call 1 call_1 add '{}' of {}"],
           "completed ['call_0 add {}', 'call_1 add {}'] tool_calls",
           [payload("call_0", "add", "{}"), payload("call_1", "add", "{}")]),
    Answer("an id sent for two, and again in a later piece",
           (call(0, "{}", "c1", "add"), call(1, "{", "c1", "add"), call(1, "}", "c1"), CALLED),
           ["call 0 c1 add '{}' of {}", "call 1 call_1 add '{' of {", "call 1 call_1 add '}' of {}"],
           "completed ['c1 add {}', 'call_1 add {}'] tool_calls",
           [payload("c1", "add", "{}"), payload("call_1", "add", "{}")]),
    Answer("an id that would be made is sent", (call(0, "{}", "call_1", "add"), call(1, "{}", None, "add"), CALLED),
           ["call 0 call_1 add '{}' of {}", "call 1 call_2 add '{}' of {}"],
           "completed ['call_1 add {}', 'call_2 add {}'] tool_calls",
           [payload("call_1", "add", "{}"), payload("call_2", "add", "{}")]),
    Answer("cut in text", (TextDelta("a"),), ["text 'a'"], "failed StreamTruncatedError", raises=StreamTruncatedError),
    Answer("cut at once", (), [], "failed StreamTruncatedError", raises=StreamTruncatedError),
    Answer("cut in a tool call", (call(0, "{", "c1", "add"),), ["call 0 c1 add '{' of {"],
           "failed StreamTruncatedError", raises=StreamTruncatedError),
    Answer("a piece of a call without a name", (call(0, "{"),), [], "failed MalformedResponseError",
           raises=MalformedResponseError),
    Answer("error before", (ProviderError("no", provider="x"),), [], "failed ProviderError", raises=ProviderError),
    Answer("error in the middle", (TextDelta("a"), ProviderError("no", provider="x")), ["text 'a'"],
           "failed ProviderError", raises=ProviderError),
    Answer("a bug in the integration", (TextDelta("a"), ZeroDivisionError()), ["text 'a'"], "failed ZeroDivisionError",
           raises=ZeroDivisionError),
    Answer("Ctrl-C", (TextDelta("a"), KeyboardInterrupt()), ["text 'a'"], "failed KeyboardInterrupt",
           raises=KeyboardInterrupt),
    Answer("exit", (SystemExit(3),), [], "failed SystemExit", raises=SystemExit),
    Answer("cancelled by itself", (TextDelta("a"), asyncio.CancelledError()), ["text 'a'"], "failed CancelledError",
           raises=asyncio.CancelledError),
]  # fmt: skip
KINDS = (Scripted, AsyncScripted)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_parts_become_frames_and_a_result(answer: Answer, kind: type[Scripted], way: Way) -> None:
    ran = streamed(kind(*answer.script), way, "Hello")
    assert ran.transcript == ["started", *answer.chunks, answer.last]
    assert ran.result == answer.result
    assert type(ran.error) is (answer.raises or type(None))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_a_call_that_does_not_stream_has_the_same_end(answer: Answer, way: Way) -> None:
    ran = in_session(Scripted(*answer.script, stream=False), way, "Hello")
    assert ran.transcript == ["started", answer.last]
    assert ran.result == answer.result
    assert type(ran.error) is (answer.raises or type(None))


# A loop that runs by itself may not raise these: asyncio stops for them.
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "answer",
    [answer for answer in ANSWERS if answer.raises is None or issubclass(answer.raises, Exception)],
    ids=lambda answer: answer.name,
)
def test_a_plain_call_returns_or_raises_the_same(answer: Answer, kind: type[Scripted], way: Way) -> None:
    llm = kind(*answer.script)
    if answer.raises is None:
        assert called(llm, way, "Hello") == answer.result
        return
    with pytest.raises(answer.raises) as raised:
        called(llm, way, "Hello")
    expected = next((step for step in answer.script if isinstance(step, BaseException)), raised.value)
    assert raised.value is expected


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if answer.raises is None], ids=lambda one: one.name)
def test_chunks_joined_are_the_answer(answer: Answer) -> None:
    ran = streamed(Scripted(*answer.script), "sync", "Hello")
    response = ran.frames[-1].data["response"]
    if isinstance(response, str):
        assert text_of(ran.frames) == response
    else:
        joined = {asked["id"]: "" for asked in response}
        for frame in ran.frames:
            if frame.data.get("call_type") == "tool_call" and frame.type == "llm_stream_chunk":
                joined[frame.data["tool_call"]["id"]] += frame.data["chunk"]
        assert list(joined.values()) == [asked["function"]["arguments"] for asked in response]


def test_all_frames_of_a_call_name_it_and_its_response() -> None:
    llm = Scripted(ResponseStarted("r1"), ThinkingDelta("hm"), TextDelta("a"), call(0, "{}", "c1", "add"), CALLED)
    frames = streamed(llm, "sync", "Hello").frames
    assert {frame.data["call_id"] for frame in frames} == {frames[0].data["call_id"]}
    assert {frame.namespace for frame in frames} == {("llm", frames[0].data["call_id"])}
    assert [frame.parent_id for frame in frames[1:-1]] == [frames[0].id] * 3
    assert [frame.data["response_id"] for frame in frames[1:]] == ["r1"] * 4
    assert frames[-1].data["started_event_id"] == frames[0].id


def test_completion_says_usage_and_reasons_as_sent_and_normalised() -> None:
    usage = Usage(3, 2, 5, cached_prompt_tokens=1, raw={"in": 3, "out": 2})
    llm = Scripted(TextDelta("a"), Usage(1, 0, 1), usage, Finish("length", "max_tokens"))
    told = streamed(llm, "sync", "Hello").frames[-1].data
    assert told["usage"] == {
        "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cached_prompt_tokens": 1
    }  # fmt: skip
    assert told["raw_usage"] == {"in": 3, "out": 2}
    assert (told["finish_reason"], told["raw_finish_reason"]) == ("length", "max_tokens")


def test_the_start_says_what_was_asked() -> None:
    llm = Scripted(END, temperature=0.5, top_p=0.9, max_tokens=7, seed=1, n=2, stop=["END"], frequency_penalty=0.1)
    tools = [{"type": "function", "function": {"name": "add"}}]
    started = streamed(llm, "sync", [{"role": "user", "content": "Hi"}], tools=tools).frames[0].data
    assert started["messages"] == [{"role": "user", "content": "Hi"}]
    assert started["tools"] == tools
    assert [started[name] for name in ("temperature", "top_p", "max_tokens", "seed", "n", "stop_sequences", "stream")] == [
        0.5, 0.9, 7, 1, 2, ["END"], True
    ]  # fmt: skip


class Task:
    id = "t1"
    name = "plan"


class Agent:
    id = "a1"
    role = "planner"


def test_task_and_agent_of_a_call_are_in_every_frame() -> None:
    frames = streamed(Scripted(TextDelta("a"), END), "sync", "Hi", from_task=Task(), from_agent=Agent()).frames
    for frame in frames:
        names = ("task_id", "task_name", "agent_id", "agent_role")
        assert [frame.data[name] for name in names] == ["t1", "plan", "a1", "planner"]
    assert frames[0].namespace[-2:] == ("planner", "plan")


def test_chunk_frames_project_to_legacy_chunks_and_others_to_none() -> None:
    llm = Scripted(ThinkingDelta("hm"), TextDelta("a"), call(0, "{}", "c1", "add"), CALLED)
    frames = streamed(llm, "sync", "Hi", from_task=Task(), from_agent=Agent()).frames
    started, *chunks, completed = map(stream_frame_to_chunk, frames)
    assert (started, completed) == (None, None)
    assert [str(chunk) for chunk in chunks] == ["hm", "a", "{}"]
    assert [chunk.chunk_type for chunk in chunks if chunk] == [
        StreamChunkType.TEXT, StreamChunkType.TEXT, StreamChunkType.TOOL_CALL
    ]  # fmt: skip
    assert chunks[2] is not None
    assert chunks[2].tool_call is not None
    assert chunks[2].tool_call.model_dump() == {"tool_id": "c1", "tool_name": "add", "arguments": "{}", "index": 0}
    assert (chunks[2].task_name, chunks[2].task_id, chunks[2].agent_role, chunks[2].agent_id) == (
        "plan", "t1", "planner", "a1"
    )  # fmt: skip
