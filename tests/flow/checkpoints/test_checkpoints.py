"""Claims about checkpoints: when they are written, where they lie, and how a run begins at one."""

from __future__ import annotations

import asyncio
import errno
import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness import BaseEvent, StreamFrame, event_bus
from harness.bus import emit
from harness.errors import UsageError
from harness.events import CheckpointCompletedEvent, MethodExecutionFinishedEvent, MethodExecutionStartedEvent
from harness.flow import (
    Checkpoint,
    CheckpointConfig,
    CheckpointError,
    CheckpointProvider,
    Flow,
    JsonProvider,
    SqliteProvider,
    and_,
    listen,
    start,
)
from tests.flow.graphs import TIMEOUT_S, collected


class Noted(BaseEvent):
    """Something that user code emits."""

    type: str = "noted"


class Draft(BaseModel):
    """What a method returns."""

    text: str
    parts: tuple[int, ...] = ()


class Two(Flow):
    """Two methods, the second of which says something."""

    @start()
    def first(self) -> Draft:
        self.state["seen"] = ["first"]
        return Draft(text="a", parts=(1, 2))

    @listen(first)
    async def second(self, draft: Draft) -> str:
        emit(self, Noted())
        self.state["seen"].append("second")
        return f"{draft.text} {draft.parts}"


PROVIDERS: dict[str, CheckpointProvider] = {"json": JsonProvider(), "sqlite": SqliteProvider()}


@pytest.fixture(params=PROVIDERS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return where checkpoints are kept, as settings of a config."""
    return {"location": str(tmp_path / "kept"), "provider": PROVIDERS[request.param]}


def written(frames: list[StreamFrame]) -> list[str]:
    return [frame.data["trigger"] for frame in frames if frame.type == "checkpoint_completed"]


WRITES: dict[str, tuple[list[str], list[str]]] = {
    "the end of a method": (["method_execution_finished"], ["method_execution_finished"] * 2),
    "the flow": (["flow_started", "flow_finished"], ["flow_started", "flow_finished"]),
    "an event of the user's own": (["noted"], ["noted"]),
    "what does not happen": (["task_completed"], []),
}


@pytest.mark.parametrize(("events", "triggers"), WRITES.values(), ids=WRITES.keys())
def test_a_checkpoint_is_written_at_each_event_that_is_named(
    kept: dict[str, Any], events: list[str], triggers: list[str]
) -> None:
    frames = list(Two(checkpoint=CheckpointConfig(on_events=events, **kept)).stream_events())
    assert written(frames) == triggers
    assert frames[-1].type == "flow_finished"


def test_every_event_is_a_reason_where_all_are_named(kept: dict[str, Any]) -> None:
    frames = list(Two(checkpoint=CheckpointConfig(on_events=["*"], **kept)).stream_events(look_ahead=1))
    triggers = written(frames)
    assert {"flow_started", "method_execution_finished", "flow_finished"} <= set(triggers)
    # Those that are due while one is being written are one.
    assert len(triggers) <= len([frame for frame in frames if not frame.type.startswith("checkpoint")])


def test_what_a_reader_sees_finished_is_on_record(kept: dict[str, Any]) -> None:
    config = CheckpointConfig(on_events=["method_execution_finished"], **kept)
    finished: list[str] = []
    for frame in Two(checkpoint=config).stream_events(look_ahead=1):
        if frame.type == "method_execution_finished":
            finished.append(frame.data["method_name"])
            _, checkpoint = next(config.provider.newest(config.location, "main"))
            assert len(checkpoint.plan["state"]["outputs"]) >= len(finished)
    assert finished == ["first", "second"]


def test_a_chain_of_files_says_what_came_before_what(tmp_path: Path) -> None:
    Two(checkpoint=CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])).kickoff()
    first, second = sorted((tmp_path / "main").iterdir())
    one, two = (Checkpoint.from_json(path.read_bytes(), str(path)) for path in (first, second))
    assert first.name.endswith(f"_{one.checkpoint_id}_p-none.json")
    assert second.name.endswith(f"_{two.checkpoint_id}_p-{one.checkpoint_id}.json")
    assert (one.parent_id, two.parent_id, two.branch) == (None, one.checkpoint_id, "main")


def no_link(*_args: Any, **_options: Any) -> None:
    raise OSError(errno.EOPNOTSUPP, "no such link")


FILES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a file without a name that gets its own": lambda _patch: None,
    "a system without such files": lambda patch: patch.setattr("harness.flow.checkpoints.json_files._UNNAMED", 0),
    "a folder in which they can't be named": lambda patch: patch.setattr("os.link", no_link),
}


@pytest.mark.parametrize("system", FILES.values(), ids=FILES.keys())
def test_a_folder_holds_whole_files_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: Callable[[pytest.MonkeyPatch], None]
) -> None:
    system(monkeypatch)
    config = CheckpointConfig(location=str(tmp_path / "kept"), on_events=["method_execution_finished"])
    for _ in range(2):
        Two(checkpoint=config).kickoff()
    files = sorted((tmp_path / "kept" / "main").iterdir())
    held = [Checkpoint.from_json(path.read_bytes(), str(path)) for path in files]
    assert [len(checkpoint.plan["state"]["outputs"]) for checkpoint in held] == [1, 2, 1, 2]
    assert {path.suffix for path in files} == {".json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_sqlite_gives_a_location_without_a_suffix_one(tmp_path: Path) -> None:
    config = CheckpointConfig(location=str(tmp_path / "kept"), provider="sqlite", on_events=["flow_finished"])  # type: ignore[arg-type]
    frames = list(Two(checkpoint=config).stream_events())
    (done,) = [frame for frame in frames if frame.type == "checkpoint_completed"]
    assert done.data["location"] == f"{tmp_path / 'kept.db'}#{done.data['checkpoint_id']}"


def test_only_the_newest_are_kept_and_a_frame_says_how_many_went(kept: dict[str, Any]) -> None:
    config = CheckpointConfig(on_events=["method_execution_finished", "flow_finished"], max_checkpoints=1, **kept)
    frames = list(Two(checkpoint=config).stream_events())
    assert [frame.data["removed"] for frame in frames if frame.type == "checkpoint_pruned"] == [1, 1]
    left = list(config.provider.newest(config.location, "main"))
    assert [checkpoint.trigger for _, checkpoint in left] == ["flow_finished"]


def test_the_class_says_whether_and_the_constructor_may_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    class Kept(Two):
        checkpoint = True

    list(Kept(checkpoint=False).stream_events())
    assert not (tmp_path / ".checkpoints").exists()
    assert written(list(Kept().stream_events())) == ["method_execution_finished"] * 2
    assert len(list((tmp_path / ".checkpoints" / "main").iterdir())) == 2


# When one can't be written.


class Unkept(Flow):
    """Returns what can't be kept."""

    @start()
    def first(self) -> object:
        return threading.Lock()


def full(path: Path) -> Flow:
    path.write_text("no folder")
    return Two(checkpoint=CheckpointConfig(location=str(path), on_events=["method_execution_finished"]))


FAILS: dict[str, tuple[Callable[[Path], Flow], str]] = {
    "a value that can't be kept": (
        lambda path: Unkept(checkpoint=CheckpointConfig(location=str(path), on_events=["method_execution_finished"])),
        "what a method returned holds a _thread.lock",
    ),
    "a folder that can't be made": (full, "Not a directory"),
}


@pytest.mark.parametrize(("make", "message"), FAILS.values(), ids=FAILS.keys())
def test_the_run_goes_on_where_one_can_not_be_written_and_fails_where_it_is_to_be_resumed(
    tmp_path: Path, make: Callable[[Path], Flow], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = make(tmp_path / "kept").stream_events()
    failed = [frame.data["error"] for frame in session if frame.type == "checkpoint_failed"]
    assert failed
    assert all(message in error for error in failed)
    assert message in caplog.text
    with pytest.raises((UsageError, CheckpointError), match=message):
        make(tmp_path / "kept").kickoff(resume=True)


# Beginning at one.


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

    def tell(source: Any, event: CheckpointCompletedEvent) -> None:
        written.append(str(event.location))
        if len(written) == 2:
            flow.left_done.set()

    event_bus.register_handler(CheckpointCompletedEvent, tell)
    try:
        with pytest.raises(LookupError):
            flow.kickoff()
    finally:
        event_bus.off(CheckpointCompletedEvent, tell)
    return written[-1]


async def _async_kickoff(flow: Flow, **options: Any) -> Any:
    return await flow.kickoff_async(**options)


async def _async_stream(flow: Flow, **options: Any) -> Any:
    session = flow.astream(**options)
    await collected(session)
    return session.result


def _stream(flow: Flow, **options: Any) -> Any:
    session = flow.stream_events(**options)
    list(session)
    return session.result


WAYS: dict[str, Callable[..., Any]] = {
    "kickoff": lambda flow, **options: flow.kickoff(**options),
    "kickoff_async": lambda flow, **options: asyncio.run(_async_kickoff(flow, **options)),
    "stream_events": _stream,
    "astream": lambda flow, **options: asyncio.run(_async_stream(flow, **options)),
}


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
    told: list[tuple[str, str, bool]] = []
    with event_bus.scoped_handlers():

        @event_bus.on(MethodExecutionStartedEvent, MethodExecutionFinishedEvent)
        def hear(_source: Any, event: Any) -> None:
            told.append((event.type.rpartition("_")[2], event.method_name, event_bus.is_replaying()))

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
    assert Joined.fork(config, ran=[])._begins_from[1].startswith("fork-")  # type: ignore[index, union-attr]


@pytest.mark.parametrize("branch", ["../out", "/root", "a/b", ".hidden", "a\\b"])
def test_a_branch_that_looks_like_a_path_is_refused(branch: str) -> None:
    with pytest.raises(UsageError, match="a branch of checkpoints is"):
        Joined.fork(CheckpointConfig(restore_from="x"), branch=branch, ran=[])


# What can't be read.


def changed(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


DAMAGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a file that is gone": (lambda path: path.unlink(), "can't be read: .*No such file"),
    "a torn file": (lambda path: path.write_text(path.read_text()[:-9]), "no checkpoint that can be read: the whole"),
    "another version": (changed(lambda held: {**held, "version": 2}), "version: expected 1"),
    "no plan": (changed(lambda held: {**held, "plan": 5}), "a saved plan is a dict"),
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
    session = Joined(ran=ran).stream_events(from_checkpoint=CheckpointConfig(restore_from=str(where), **kept))
    with pytest.raises((CheckpointError, UsageError), match=message):
        list(session)
    assert [frame.type for frame in session.frames] == ["checkpoint_restore_started", "checkpoint_restore_failed"]
    assert ran == []


@pytest.mark.parametrize("where", ["nowhere", "{location}.db", "{location}.db#other"])
def test_a_row_that_is_not_there_is_named(tmp_path: Path, where: str) -> None:
    kept: dict[str, Any] = {"location": str(tmp_path / "kept"), "provider": SqliteProvider()}
    checkpoint_in_the_middle(kept)
    config = CheckpointConfig(restore_from=where.format(location=kept["location"]), **kept)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        Joined(ran=[]).kickoff(from_checkpoint=config)


# What is refused at the call.

PLAIN = CheckpointConfig()
NAMED = CheckpointConfig(restore_from="x")
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "two places to begin": (
        lambda: Two().stream_events(from_checkpoint=NAMED, restore_from_state_id="x"),
        "Cannot combine `from_checkpoint` and `restore_from_state_id`",
    ),
    "a state and the last run": (
        lambda: Two(checkpoint=PLAIN).astream(resume=True, restore_from_state_id="x"),
        "resume and restore_from_state_id can't be combined",
    ),
    "a checkpoint and the last run": (
        lambda: Two().stream_events(resume=True, from_checkpoint=NAMED),
        "resume and restore_from can't be combined",
    ),
    "the last run of a flow without checkpoints": (
        lambda: Two().stream_events(resume=True),
        "give the flow checkpoint=",
    ),
    "something else as a checkpoint": (
        lambda: Two().kickoff(from_checkpoint="x"),
        "from_checkpoint is a CheckpointConfig, True or False, not 'x'",
    ),
    "something else as an option": (lambda: Two(checkpoint="x"), "checkpoint of Two is a CheckpointConfig"),  # type: ignore[arg-type]
    "a flow at no checkpoint": (lambda: Two.from_checkpoint(PLAIN), "give a CheckpointConfig with restore_from"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_done_is_refused_at_the_call(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


@pytest.mark.parametrize("settings", [{"provider": "xml"}, {"max_checkpoints": 0}, {"locatoin": "x"}], ids=str)
def test_a_config_that_can_not_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="^CheckpointConfig: "):
        CheckpointConfig(**settings)


def test_the_defaults_are_those_that_users_know() -> None:
    config = CheckpointConfig()
    assert (config.location, config.on_events, config.provider.name) == (
        "./.checkpoints",
        ["task_completed"],
        "JsonProvider",
    )
    assert (config.max_checkpoints, config.restore_from) == (None, None)
