"""Claims about one turn of a recorded conversation, replayed alone: it begins where the turns before had left off."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.recording.record import record
from harness.recording.replay import replay_recording
from harness.recording.replayed import Replayed
from harness.recording.target import Target
from harness.recording.trust.gate import Trust
from tests.authoring import OF_EXAMPLES

CHAT = next(example for example in OF_EXAMPLES if example.folder.name == "chat")
#: A conversation whose answers depend on all that is in its state.
TALK = """
from harness import Flow, listen
from harness.conversation import ConversationConfig, ConversationState

class Log(ConversationState):
    entries: list[str] = []

@ConversationConfig({options})
class Harbour(Flow[Log]):
    def route_turn(self, context):
        return "WRECK" if "wreck" in context["current_user_message"] else "ENTER"

    @listen("ENTER")
    def enter(self):
        state = self.state
        state.entries.append(state.current_user_message)
        self.append_message("assistant", "noted", metadata={{"berth": len(state.entries)}})
        self.append_agent_result("pilot", f"seen {{len(state.entries)}}")
        notes = [message.metadata["berth"] for message in state.messages if message.metadata]
        seen = [event.payload["content"] for event in state.events]
        threads = [message.content for message in state.agent_threads["pilot"]]
        return f"{{state.entries}} {{len(state.messages)}} {{notes}} {{seen}} {{threads}} after {{self.last()}}"

    def last(self):
        return [message.content for message in self.state.messages if message.role == "user"]

    @listen("WRECK")
    def wreck(self):
        raise LookupError(f"no salvage for {{len(self.state.entries)}} ships")
"""
TURNS = ("Ann", "Bea", "Cat", "a wreck")


def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: str) -> Path:
    """Record the conversation of a module of that name; its last turn fails."""
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.py").write_text(TALK.format(options=options), encoding="utf-8")
    made = record(Target(f"{name}:Harbour", turns=TURNS), tmp_path / "talk")
    assert isinstance(made.error, LookupError)
    return tmp_path / "talk"


def replayed(folder: Path, turn: int, name: str) -> Replayed:
    return replay_recording(folder, trust=Trust((name,)), turn=turn)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_turn_of_a_recorded_conversation_replays_alone(number: int) -> None:
    alone = replayed(CHAT.folder, number, "examples")
    assert (alone.differences, alone.problems, alone.error) == ([], [], None)
    assert len(alone.sessions) == 1
    assert [frame.seq for frame in alone.frames] == list(range(1, len(alone.frames) + 1))
    said = [frame.data["content"] for frame in alone.frames if frame.type == "conversation_message_added"]
    assert said[0] == CHAT.turns[number - 1]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("name", "options"),
    [("harbour_of_one_flow", ""), ("harbour_of_many", "defer_trace_finalization=False")],
    ids=["one flow", "a flow for each turn"],
)
def test_it_begins_with_the_whole_state_that_the_turns_before_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: str, number: int
) -> None:
    folder = recorded(tmp_path, monkeypatch, name, options)
    alone = replayed(folder, number, name)
    assert (alone.differences, alone.problems) == ([], [])
    assert isinstance(alone.error, LookupError) == (number == 4)
    assert alone.is_new_error is False


def test_the_turns_before_are_not_run_and_those_after_are_of_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "harbour_that_changes"
    folder = recorded(tmp_path, monkeypatch, name, "")
    module = Path(f"{name}.py")
    changed = module.read_text().replace(
        "        state = self.state\n",
        "        state = self.state\n        assert state.current_user_message == 'Bea'\n",
    )
    assert changed.count("assert") == 1
    module.write_text(changed, encoding="utf-8")
    monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    assert replayed(folder, 2, name).differences == []
    assert isinstance(replayed(folder, 1, name).error, AssertionError)
    assert replayed(folder, 3, name).differences


@pytest.mark.parametrize(
    ("folder", "number", "words"),
    [
        (CHAT.folder, 4, "has no turn 4: 3 of 3 were run"),
        (CHAT.folder, 0, "has no turn 0"),
        (CHAT.folder.parent / "report", 1, "is no recording of a conversation"),
    ],
)
def test_a_turn_that_is_not_there_is_refused_with_what_there_is(folder: Path, number: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replayed(folder, number, "examples")


def test_one_turn_alone_is_not_updated() -> None:
    with pytest.raises(UsageError, match="updated as a whole"):
        replay_recording(CHAT.folder, trust=Trust(("examples",)), turn=1, update=True)


FORGETFUL = """
from harness import Flow, listen, start
from harness.conversation import ConversationConfig, ConversationState

@ConversationConfig()
class Forgetful(Flow[ConversationState]):
    @start()
    def forget(self):
        self.state.messages = self.state.messages[-3:]

    @listen("converse")
    def list_them(self):
        return " ".join(message.content for message in self.state.messages if message.role == "user")
"""


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_turn_is_replayed_with_what_its_flow_had_not_let_go_of(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("forgetful.py").write_text(FORGETFUL, encoding="utf-8")
    record(Target("forgetful:Forgetful", turns=TURNS), tmp_path / "talk")
    alone = replayed(tmp_path / "talk", number, "forgetful")
    assert (alone.differences, alone.problems, alone.error) == ([], [], None)
    shown = [frame.data["state"]["messages"] for frame in alone.frames if frame.type == "method_execution_finished"]
    assert [[message["content"] for message in messages] for messages in shown] == [[TURNS[number - 1]]] * 3
