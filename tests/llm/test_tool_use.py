"""Tools that a model asks for are run once each, in order, with frames; their failures are values."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from harness.errors import RunCancelled
from harness.llm import Finish, TextDelta, ToolCallDelta, ToolCallFailed, Usage
from harness.llm.output.assembly import AssembledCall
from harness.llm.output.parts import FinishReason
from harness.llm.tool_use import run_tool
from tests.llm.scripted import WAYS, Scripted, Way, called, in_session, streamed

CALLED = Finish("tool_calls", "tool_calls")


def add(a: int, b: int = 0) -> int:
    return a + b


async def aadd(a: int, b: int = 0) -> int:
    await asyncio.sleep(0)
    return a + b


def later_add(a: int, b: int = 0) -> Any:
    """Not async itself, but it returns something to be awaited."""
    return aadd(a, b)


def fail(**arguments: Any) -> None:
    raise ValueError("the tool is broken")


def asks(*calls: tuple[str, str]) -> Scripted:
    parts = [ToolCallDelta(index, f"c{index}", name, text) for index, (name, text) in enumerate(calls)]
    return Scripted(*parts, Usage(3, 2, 5), CALLED)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", [add, aadd, later_add])
def test_a_tool_is_run_between_chunks_and_completion_and_its_value_is_the_result(
    function: Callable[..., Any], way: Way
) -> None:
    ran = streamed(asks(("add", '{"a":1,"b":2}')), way, "1+2?", available_functions={"add": function})
    assert ran.transcript == [
        "started",
        'call 0 c0 add \'{"a":1,"b":2}\' of {"a":1,"b":2}',
        "tool add started",
        "tool add finished 3",
        'completed [\'c0 add {"a":1,"b":2}\'] tool_calls',
    ]
    assert ran.result == 3
    started, _, used, finished, completed = ran.frames
    assert [used.parent_id, finished.parent_id] == [started.id, started.id]
    assert finished.data["started_event_id"] == used.id
    assert used.data["tool_args"] == {"a": 1, "b": 2}
    assert completed.data["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.mark.parametrize("way", WAYS)
def test_several_tools_give_a_list_in_call_order(way: Way) -> None:
    llm = asks(("add", '{"a":1}'), ("sub", '{"a":2}'), ("add", '{"a":3}'))
    ran = in_session(llm, way, "Hi", available_functions={"add": add, "sub": lambda a: -a})
    assert ran.result == [1, -2, 3]
    assert [line for line in ran.transcript if line.startswith("tool")] == [
        "tool add started", "tool add finished 1", "tool sub started", "tool sub finished -2",
        "tool add started", "tool add finished 3",
    ]  # fmt: skip
    assert len(llm.requests) == 1


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("nothing", ["", " ", "{}"])
@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_is_cut_off_before_its_arguments_is_not_made_with_defaults(
    way: Way, nothing: str, reason: FinishReason
) -> None:
    wiped: list[str] = []
    parts = [ToolCallDelta(0, "c0", "add", '{"a":1}'), ToolCallDelta(1, "c1", "wipe", nothing)]
    llm = Scripted(*parts, Usage(3, 2, 5), Finish(reason, reason))
    functions = {"add": add, "wipe": lambda path="/": wiped.append(path)}
    sum_, cut = in_session(llm, way, "Hi", available_functions=functions).result
    assert (sum_, wiped) == (1, [])
    assert cut.told == "wipe failed with ValueError: the answer was cut off before the arguments"
    # Text of a tool's own kind says nothing of where it ends.
    half = AssembledCall(0, "c2", "shell", ["rm -rf /"], is_cut=True)
    assert isinstance(run_tool(half, {"shell": wiped.append}, {"shell"}), ToolCallFailed)
    assert wiped == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "arguments", "error", "told"),
    [
        ("fail", "{}", ValueError, "fail failed with ValueError: the tool is broken"),
        ("unknown", "{}", LookupError, "unknown failed with LookupError: the model asked for 'unknown'; "
         "the functions given are fail, add"),
        ("add", "{", ValueError, "add failed with JSONDecodeError: "),
        ("add", "[1]", ValueError, "add failed with ValueError: the arguments are list, not an object"),
        ("add", '{"c":1}', TypeError, "add failed with TypeError: "),
    ],
    ids=["it raises", "unknown name", "bad JSON", "no object", "wrong arguments"],
)  # fmt: skip
def test_a_tool_that_fails_is_a_value_and_the_others_run(
    name: str, arguments: str, error: type[Exception], told: str, way: Way
) -> None:
    llm = asks((name, arguments), ("add", '{"a":1}'))
    ran = in_session(llm, way, "Hi", available_functions={"fail": fail, "add": add})
    failed, sum_ = ran.result
    assert sum_ == 1
    assert isinstance(failed, ToolCallFailed)
    assert isinstance(failed.error, error)
    assert failed == ""
    assert failed.told.startswith(told)
    assert ran.transcript[-5:-2] == [
        f"tool {name} started", f"tool {name} {type(failed.error).__name__}", "tool add started"
    ]  # fmt: skip
    assert ran.transcript[-1].startswith("completed")
    assert ran.frames[-4].data["error"] in failed.told


@pytest.mark.parametrize("nothing", ["", " \n", "null"])
@pytest.mark.parametrize("way", WAYS)
def test_no_arguments_are_none(way: Way, nothing: str) -> None:
    assert called(asks(("now", nothing)), way, "Hi", available_functions={"now": lambda: "noon"}) == "noon"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("functions", [None, {}])
def test_without_functions_the_calls_are_the_result(functions: dict[str, Any] | None, way: Way) -> None:
    assert called(asks(("add", '{"a":1}')), way, "Hi", available_functions=functions) == [
        {"id": "c0", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    ]


def test_functions_that_are_not_asked_for_change_nothing() -> None:
    ran = streamed(Scripted(TextDelta("No need."), Finish("stop")), "sync", "Hi", available_functions={"add": add})
    assert ran.result == "No need."
    assert ran.transcript == ["started", "text 'No need.'", "completed 'No need.' stop"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_ends_the_tool_and_the_call(error: type[BaseException], way: Way) -> None:
    def interrupted() -> None:
        raise error

    ran = streamed(asks(("stop", "{}"), ("add", '{"a":1}')), way, "Hi", available_functions={"stop": interrupted})
    assert type(ran.error) is error
    assert ran.transcript[-3:] == ["tool stop started", f"tool stop {error.__name__}", f"failed {error.__name__}"]


def test_a_cancelled_run_begins_no_further_tool() -> None:
    inside, released, ended = threading.Event(), threading.Event(), threading.Event()
    begun: list[str] = []

    def slow() -> None:
        inside.set()
        assert released.wait(10)

    def next_one() -> None:
        begun.append("next")

    session = asks(("slow", "{}"), ("next", "{}")).stream_events(
        "Hi", available_functions={"slow": slow, "next": next_one}
    )

    def read() -> None:
        for _ in session:
            pass
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert inside.wait(10)
    run = next(thread for thread in threading.enumerate() if thread.name == "harness-run")
    session.close()
    released.set()
    run.join(10)
    reader.join(10)
    assert ended.is_set()
    assert begun == []
    assert session.frames[-1].type == "tool_usage_started"


def test_a_cancelled_run_is_not_a_failed_tool() -> None:
    def cancelled() -> None:
        raise RunCancelled

    # In a context of its own: what is cancelled leaves its scope open, as the work of a closed session does.
    with pytest.raises(RunCancelled):
        copy_context().run(asks(("stop", "{}")).call, "Hi", available_functions={"stop": cancelled})


def test_a_failed_tool_is_no_text_and_tells_its_error() -> None:
    error = ValueError("no")
    failed = ToolCallFailed("add", error)
    assert failed == ""
    assert failed.told == "add failed with ValueError: no"
    assert repr(failed) == "<add failed with ValueError: no>"
    assert failed.error is error
