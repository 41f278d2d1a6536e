"""Claims about runs that begin at a checkpoint, and about checkpoints that can't be read."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness import event_bus
from harness.errors import UsageError
from harness.events import CheckpointCompletedEvent, MethodExecutionFinishedEvent, MethodExecutionStartedEvent
from harness.flow import CheckpointConfig, CheckpointError, Flow, JsonProvider, SqliteProvider, and_, listen, start
from tests.flow.graph.graphs import TIMEOUT_S, WAYS, hearing


class Draft(BaseModel):
    text: str
    parts: tuple[int, ...] = ()


class Joined(Flow):
    """Two branches, of which one can fail after the other has ended, and what joins them."""

    def __init__(self, *, ran: list[str], fails: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.ran, self.fails = ran, fails
        self.left_done = threading.Event()

    @start()
    def left(self) -> Draft:
        self.ran.append("left")
        self.state["topic"] = "tides"
        return Draft(text="left", parts=(1,))

    @start()
    def right(self) -> str:
        self.ran.append("right")
        return "right"

    @listen(right)
    def after_right(self, value: str) -> str:
        assert not self.fails or self.left_done.wait(TIMEOUT_S)
        self.ran.append("after_right")
        if self.fails:
            raise LookupError
        return f"after {value}"

    @listen(and_(left, after_right))
    def both(self) -> Any:
        self.ran.append("both")
        return [*self.method_outputs, self.state["topic"]]


def checkpoint_in_the_middle(kept: dict[str, Any]) -> str:
    """Have a run fail after both starts have ended, and return where its last checkpoint is."""
    flow = Joined(ran=[], fails=True, checkpoint=CheckpointConfig(on_events=["method_execution_finished"], **kept))
    written: list[str] = []

    def note(event: CheckpointCompletedEvent) -> None:
        written.append(str(event.location))
        if len(written) == 2:
            flow.left_done.set()

    with hearing(CheckpointCompletedEvent, note=note), pytest.raises(LookupError):
        flow.kickoff()
    return written[-1]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_run_goes_on_in_the_middle_of_parallel_branches(kept: dict[str, Any], way: Callable[..., Any]) -> None:
    where = checkpoint_in_the_middle(kept)
    ran: list[str] = []
    result = way(Joined(ran=ran), from_checkpoint=CheckpointConfig(restore_from=where, **kept))
    assert ran == ["after_right", "both"]
    assert sorted(map(str, result)) == sorted(
        map(str, [Draft(text="left", parts=(1,)), "right", "after right", "tides"])
    )
    assert any(isinstance(value, Draft) for value in result)


def test_the_inputs_win_over_the_state_of_the_checkpoint(kept: dict[str, Any]) -> None:
    where = checkpoint_in_the_middle(kept)
    flow = Joined(ran=[])
    config = CheckpointConfig(restore_from=where, **kept)
    assert flow.kickoff({"topic": "winds"}, from_checkpoint=config)[-1] == "winds"


def test_handlers_are_told_again_what_had_finished_and_that_it_is_replayed(kept: dict[str, Any]) -> None:
    where = checkpoint_in_the_middle(kept)

    def note(event: Any) -> tuple[str, str, bool]:
        return event.type.rpartition("_")[2], event.method_name, event_bus.is_replaying()

    with hearing(MethodExecutionStartedEvent, MethodExecutionFinishedEvent, note=note) as told:
        session = Joined(ran=[]).stream_events(from_checkpoint=CheckpointConfig(restore_from=where, **kept))
        list(session)
    finished = [name for kind, name, again in told if again and kind == "finished"]
    assert finished
    assert [(kind, name) for kind, name, again in told if again] == [
        (kind, name) for name in finished for kind in ("started", "finished")
    ]
    shown = [frame.data["method_name"] for frame in session.frames if frame.type == "method_execution_finished"]
    assert shown == [name for kind, name, again in told if not again and kind == "finished"]
    assert not set(finished) & set(shown)


def test_a_flow_made_at_a_checkpoint_begins_there_once(kept: dict[str, Any]) -> None:
    where = checkpoint_in_the_middle(kept)
    ran: list[str] = []
    flow = Joined.from_checkpoint(CheckpointConfig(restore_from=where, **kept), ran=ran)
    flow.kickoff()
    assert ran == ["after_right", "both"]
    ran.clear()
    flow.kickoff()
    assert len(ran) == 4


class Overridden(Joined):
    """With a kickoff of its own, as many have."""

    def kickoff(self, *options: Any, **named: Any) -> Any:
        return super().kickoff(*options, **named)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("make", ["from_checkpoint", "fork"])
@pytest.mark.parametrize("cls", [Joined, Overridden])
def test_a_flow_made_at_a_checkpoint_has_its_state_at_once_and_what_is_changed_of_it(
    cls: type[Joined], make: str, way: Callable[..., Any], kept: dict[str, Any]
) -> None:
    where = checkpoint_in_the_middle(kept)
    config = CheckpointConfig(restore_from=where, **kept)
    flow = getattr(cls, make)(config, ran=[])
    flow_id = flow.flow_id
    assert flow_id == config.provider.read(where).flow_id
    assert flow.state["topic"] == "tides"
    flow_id = f"{flow_id}-other"
    flow.state.update(topic="winds", id=flow_id)
    # A kickoff that is refused takes nothing away.
    for refused in ({"inputs": ["winds"]}, {"resume": True, "restore_from_state_id": "other"}):
        with pytest.raises(UsageError):
            flow.kickoff(**refused)
    assert way(flow)[-1] == "winds"
    assert flow.flow_id == flow_id
    # One that something else was done with begins with the state of the checkpoint.
    flow = getattr(cls, make)(config, ran=[])
    flow.kickoff(from_checkpoint=False, inputs={"topic": "ice"})
    assert way(flow)[-1] == "tides"


def test_a_fork_writes_to_a_branch_of_its_own(kept: dict[str, Any]) -> None:
    where = checkpoint_in_the_middle(kept)
    before = [found for found, _ in kept["provider"].newest(kept["location"], "main")]
    config = CheckpointConfig(restore_from=where, on_events=["method_execution_finished"], **kept)
    frames = list(Joined.fork(config, branch="other", ran=[]).stream_events())
    assert [frame.type for frame in frames][:4] == [
        "checkpoint_restore_started",
        "checkpoint_fork_started",
        "checkpoint_fork_completed",
        "checkpoint_restore_completed",
    ]
    assert [found for found, _ in kept["provider"].newest(kept["location"], "main")] == before
    chain = [checkpoint for _, checkpoint in kept["provider"].newest(kept["location"], "other")]
    assert len(chain) == 2
    assert chain[-1].parent_id in where
    assert Joined.fork(config, ran=[])._flow_begins_from[1].startswith("fork-")  # type: ignore[index, union-attr]


@pytest.mark.parametrize("branch", ["../out", "/root", "a/b", ".hidden", "a\\b"])
def test_a_branch_that_looks_like_a_path_is_refused(branch: str) -> None:
    with pytest.raises(UsageError, match="a branch of checkpoints is"):
        Joined.fork(CheckpointConfig(restore_from="x"), branch=branch, ran=[])


def changed(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


DAMAGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a file that is gone": (lambda path: path.unlink(), "can't be read: .*No such file"),
    "a torn file": (lambda path: path.write_text(path.read_text()[:-9]), "no checkpoint that can be read: "),
    "another version": (changed(lambda held: {**held, "version": 2}), "Invalid enum value 2 - at `\\$.version`"),
    "no plan": (changed(lambda held: {**held, "plan": 5}), "a saved plan is a dict"),
    "a plan without values": (changed(lambda held: {**held, "plan": {"version": 1}}), "a saved plan is a dict"),
    "values that are no list": (
        changed(lambda held: {**held, "plan": {**held["plan"], "values": 5}}),
        "a saved plan is a dict",
    ),
    "an output that is not there": (
        changed(
            lambda held: {
                **held,
                "runs": [{**run, "calls": [{**call, "output": 9} for call in run["calls"]]} for run in held["runs"]],
            }
        ),
        "a method came to a value 9, and it holds 2",
    ),
    "a time in no zone": (
        lambda path: path.write_text(path.read_text().replace("+00:00", "")),
        r"Expected `datetime` with a timezone component - at `\$.runs\[0\]",
    ),
    "a state that is no dict": (
        changed(lambda held: {**held, "state": []}),
        "Expected `object`, got `array` - at `\\$.state`",
    ),
    "a plan of another flow": (
        changed(lambda held: json.loads(json.dumps(held).replace("after_right", "elsewhere"))),
        "speaks of a method 'elsewhere'",
    ),
    "a value that is not there": (
        changed(lambda held: {**held, "plan": {**held["plan"], "values": []}}),
        "speaks of a value 0",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_checkpoint_that_can_not_be_read_fails_the_restore_by_name(
    tmp_path: Path, damage: Callable[[Path], Any], message: str
) -> None:
    kept: dict[str, Any] = {"location": str(tmp_path), "provider": JsonProvider()}
    where = Path(checkpoint_in_the_middle(kept))
    damage(where)
    ran: list[str] = []
    session = Joined(ran=ran).stream_events(from_checkpoint=CheckpointConfig(restore_from=where, **kept))
    with pytest.raises((CheckpointError, UsageError), match=message):
        list(session)
    assert [frame.type for frame in session.frames] == ["checkpoint_restore_started", "checkpoint_restore_failed"]
    assert ran == []


@pytest.mark.parametrize("content", [5, 0.5, "no JSON"])
def test_a_row_that_holds_something_else_is_no_checkpoint(tmp_path: Path, content: Any) -> None:
    kept: dict[str, Any] = {"location": str(tmp_path / "kept.db"), "provider": SqliteProvider()}
    where = checkpoint_in_the_middle(kept)
    with contextlib.closing(sqlite3.connect(kept["location"], isolation_level=None)) as connection:
        connection.execute("UPDATE checkpoints SET data = ?", (content,))
    with pytest.raises(CheckpointError, match=f"{re.escape(where)} is no checkpoint that can be read"):
        Joined(ran=[]).kickoff(from_checkpoint=CheckpointConfig(restore_from=where, **kept))


@pytest.mark.parametrize("where", ["nowhere", "{location}.db", "{location}.db#other"])
def test_a_row_that_is_not_there_is_named(tmp_path: Path, where: str) -> None:
    kept: dict[str, Any] = {"location": str(tmp_path / "kept"), "provider": SqliteProvider()}
    checkpoint_in_the_middle(kept)
    config = CheckpointConfig(restore_from=where.format(location=kept["location"]), **kept)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Joined(ran=[]).kickoff(from_checkpoint=config)
