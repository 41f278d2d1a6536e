"""A target is a name: what it may name, which entry is its natural one, and how its inputs reach it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.recording.target import Target

HERE = "tests.recording.test_target"


class Recorded:
    """A session that is done, and tells how it was started."""

    def __init__(self, *started: Any) -> None:
        self.result = started
        self.frames: list[Any] = []

    def __iter__(self) -> Any:
        return iter(self.frames)

    def close(self) -> None:
        return None


class Conversation:
    def stream_turn(self, message: str, mood: str = "calm") -> Recorded:
        return Recorded("stream_turn", message, mood)


class FlowLike:
    def stream_events(self, inputs: dict[str, Any] | None = None) -> Recorded:
        return Recorded("stream_events", inputs)

    def kickoff(self, inputs: dict[str, Any] | None = None) -> Recorded:
        return Recorded("kickoff", inputs)

    def other(self, inputs: dict[str, Any] | None = None) -> Recorded:
        return Recorded("other", inputs)


class CrewLike:
    def kickoff(self, inputs: dict[str, Any] | None = None) -> Recorded:
        return Recorded("kickoff", inputs)


class LLMLike:
    def stream_events(self, messages: str, stop: str | None = None) -> Recorded:
        return Recorded("stream_events", messages, stop)


class Outer:
    inner = FlowLike()
    conversation = Conversation()
    llm = LLMLike()
    number = 3


def factory(topic: str = "tides") -> Recorded:
    return Recorded("factory", topic)


def made_flow() -> FlowLike:
    return FlowLike()


def made_crew(topic: str = "tides") -> CrewLike:
    crew = CrewLike()
    crew.kickoff = lambda inputs=None: Recorded("kickoff", topic, inputs)  # type: ignore[method-assign]
    return crew


def made_class() -> type[FlowLike]:
    return FlowLike


def made_conversation() -> Conversation:
    return Conversation()


async def coroutine() -> str:
    return "no session"


def no_session() -> str:
    return "text"


@pytest.mark.parametrize(
    ("attribute", "options", "started"),
    [
        ("FlowLike", {}, ("stream_events", None)),
        ("FlowLike", {"inputs": {"a": 1}}, ("stream_events", {"a": 1})),
        ("Outer.inner", {}, ("stream_events", None)),
        ("Outer.inner", {"entry": "other", "inputs": {"a": 1}}, ("other", {"a": 1})),
        ("CrewLike", {"inputs": {"a": 1}}, ("kickoff", {"a": 1})),
        ("Outer.llm", {"inputs": {"messages": "Hi"}}, ("stream_events", "Hi", None)),
        ("factory", {}, ("factory", "tides")),
        ("factory", {"inputs": {"topic": "boats"}}, ("factory", "boats")),
        ("made_flow", {}, ("stream_events", None)),
        ("made_flow", {"inputs": {"a": 1}}, ("stream_events", {"a": 1})),
        ("made_flow", {"inputs": {"a": 1}, "entry": "other"}, ("other", {"a": 1})),
        ("made_crew", {"inputs": {"a": 1, "topic": "boats"}}, ("kickoff", "boats", {"a": 1})),
        ("made_class", {"inputs": {"a": 1}}, ("stream_events", {"a": 1})),
        ("made_conversation", {"turns": ("Hi",)}, ("stream_turn", "Hi", "calm")),
    ],
)
def test_the_natural_entry_is_started_with_the_inputs(
    attribute: str, options: Mapping[str, Any], started: tuple[Any, ...]
) -> None:
    (session,) = Target(f"{HERE}:{attribute}", **options).sessions()
    assert session.result == started


def test_each_turn_is_a_session_of_one_conversation() -> None:
    target = Target(f"{HERE}:Outer.conversation", inputs={"mood": "gay"}, turns=("Hello", "Bye"))
    assert [session.result for session in target.sessions()] == [
        ("stream_turn", "Hello", "gay"),
        ("stream_turn", "Bye", "gay"),
    ]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("flows", {}, "expected package.module:attribute, as in my_app.flows:PlanFlow"),
        (":Plan", {}, "expected package.module:attribute"),
        ("flows:", {}, "expected package.module:attribute"),
        ("no_such_module:Plan", {}, "module 'no_such_module' can't be imported from"),
        (f"{HERE}:Missing", {}, f"'{HERE}' has no attribute 'Missing'"),
        (f"{HERE}:Outer.inner.missing", {}, "has no attribute 'Outer.inner.missing'"),
        (f"{HERE}:Outer.iner", {}, "has no attribute 'Outer.iner'; did you mean inner"),
        (
            f"{HERE}:Outer.number",
            {},
            "is int; expected a flow, an LLM, a crew, or a callable that returns one, or a session",
        ),
        (f"{HERE}:FlowLike", {"entry": "missing"}, "FlowLike has no entry 'missing'"),
        (f"{HERE}:FlowLike", {"turns": ("Hi",)}, "FlowLike has no entry 'stream_turn'"),
        (
            f"{HERE}:coroutine",
            {},
            "its entry is a coroutine function, and nobody awaits it here; make it a plain function",
        ),
        (f"{HERE}:no_session", {}, "its entry returned str, which is no session .* return the flow or the crew itself"),
        (
            f"{HERE}:factory",
            {"inputs": {"depth": 1}},
            r"can't be started with the inputs given \(depth\): got an unexpected",
        ),
        (f"{HERE}:factory", {"turns": ("Hi",)}, "returns Recorded, which takes no turn and has no entry"),
        (f"{HERE}:factory", {"entry": "other"}, "returns Recorded, which takes no turn and has no entry"),
        (
            f"{HERE}:Outer.llm",
            {},
            r"can't be started with the inputs given \(none\): missing a required argument: 'messages'",
        ),
    ],
)
def test_a_target_that_can_not_be_run_says_what_was_expected(
    name: str, options: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        list(Target(name, **options).sessions())


def test_modules_of_the_working_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_target.py").write_text(f"from {HERE} import factory\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(tmp_path)])
    (session,) = Target("my_own_target:factory").sessions()
    assert session.result == ("factory", "tides")
    del sys.modules["my_own_target"]


def test_nothing_runs_before_a_session_is_read() -> None:
    (session,) = Target("tests.recording.support.subjects:text").sessions()
    assert session.frames == []
    session.close()


def test_an_async_session_is_read_by_a_thread() -> None:
    (session,) = Target("tests.recording.test_target:async_session").sessions()
    assert [frame.type for frame in session] == ["llm_call_started", "llm_stream_chunk", "llm_call_completed"]
    assert session.result == "a"


def async_session() -> Any:
    from harness.llm import Finish, TextDelta
    from tests.llm.scripted import Scripted

    return Scripted(TextDelta("a"), Finish("stop")).astream("Hi")
