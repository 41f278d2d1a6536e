"""Claims about checkpoints: when they are written, where they lie, and how they are asked for."""

from __future__ import annotations

import ast
import errno
import inspect
import json
import re
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness import BaseEvent, StreamFrame
from harness.bus import emit
from harness.errors import UsageError
from harness.flow import (
    Checkpoint,
    CheckpointConfig,
    CheckpointError,
    Flow,
    JsonLinesProvider,
    SqliteProvider,
    listen,
    start,
)
from harness.flow.checkpoints.json_files import fill


class Noted(BaseEvent):
    type: str = "noted"


class Draft(BaseModel):
    text: str
    parts: tuple[int, ...] = ()


class Two(Flow):
    @start()
    def first(self) -> Draft:
        self.state["seen"] = ["first"]
        return Draft(text="a", parts=(1, 2))

    @listen(first)
    async def second(self, draft: Draft) -> str:
        emit(self, Noted())
        self.state["seen"].append("second")
        return f"{draft.text} {draft.parts}"


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
    # Where a system tells which files are open.
    still_open = [path for path in Path("/proc/self/fd").glob("*") if path.resolve().is_relative_to(tmp_path)]
    assert not still_open


def lines_of(folder: Path) -> list[list[dict[str, Any]]]:
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in sorted(folder.glob("*.jsonl"))]


def test_the_checkpoints_of_a_run_are_lines_of_one_file(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"location": str(tmp_path), "provider": "jsonl"}
    config = CheckpointConfig(on_events=["method_execution_finished"], **kept)
    frames = list(Two(checkpoint=config).stream_events())
    Two(checkpoint=config).kickoff()
    held = lines_of(tmp_path / "main")
    assert [[len(line["plan"]["state"]["outputs"]) for line in file] for file in held] == [[1, 2], [1, 2]]
    file = min((tmp_path / "main").iterdir())
    named = [frame.data["location"] for frame in frames if frame.type == "checkpoint_completed"]
    assert named == [f"{file}#{line['checkpoint_id']}" for line in held[0]]
    assert file.name.endswith(f"_{held[0][0]['checkpoint_id']}_p-none.jsonl")
    # By its name, and the last of the file by the file's.
    read = [config.provider.read(where).checkpoint_id for where in (*named, str(file))]
    assert read == [line["checkpoint_id"] for line in (*held[0], held[0][-1])]
    # A run that goes on from one has a file of its own.
    Two(checkpoint=config).kickoff(from_checkpoint=config.model_copy(update={"restore_from": named[0]}))
    assert lines_of(tmp_path / "main")[-1][0]["parent_id"] == held[0][0]["checkpoint_id"]


def test_a_line_that_a_killed_process_has_left_torn_is_no_checkpoint(tmp_path: Path) -> None:
    config = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"], provider="jsonl")
    Two(checkpoint=config).kickoff()
    (file,) = (tmp_path / "main").iterdir()
    whole = file.read_bytes()
    last = json.loads(whole.splitlines()[-1])["checkpoint_id"]
    for torn in (whole[:-1], whole[:-40]):
        file.write_bytes(torn)
        assert [len(found.plan["state"]["outputs"]) for _, found in config.provider.newest(str(tmp_path), "main")] == [
            1
        ]
        assert config.provider.read(str(file)).checkpoint_id != last
        with pytest.raises(CheckpointError, match=f"holds no checkpoint '{last}'"):
            config.provider.read(f"{file}#{last}")
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        config.provider.read(f"{file}x#{last}")


def test_a_run_goes_on_in_another_file_where_its_own_has_become_large_or_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.flow.checkpoints.json_lines._LARGE", 10)
    config = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"], provider="jsonl")
    Two(checkpoint=config).kickoff()
    one, two = lines_of(tmp_path / "main")
    assert two[0]["parent_id"] == one[0]["checkpoint_id"]


def test_old_lines_that_can_not_be_removed_once_go_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    contents: list[bytes] = []

    def fill_once_full(handle: int, content: bytes) -> None:
        contents.append(content)
        # The second checkpoint, and what is to be left once that is there.
        if len(contents) == 3:
            fill(handle, content[:9])
            raise OSError(errno.ENOSPC, "No space left on device")
        fill(handle, content)

    for module in ("json_files", "json_lines"):
        monkeypatch.setattr(f"harness.flow.checkpoints.{module}.fill", fill_once_full)
    config = CheckpointConfig(
        location=str(tmp_path),
        on_events=["method_execution_finished", "flow_finished"],
        provider=JsonLinesProvider(),
        max_checkpoints=1,
    )
    Two(checkpoint=config).kickoff()
    assert [record.getMessage().partition(": [")[2] for record in caplog.records] == [
        "Errno 28] No space left on device"
    ]
    assert [len(file) for file in lines_of(tmp_path / "main")] == [1]
    assert len(list((tmp_path / "main").iterdir())) == 1


def test_a_checkpoint_that_is_written_while_old_lines_go_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, location = JsonLinesProvider(), str(tmp_path)
    Two(
        checkpoint=CheckpointConfig(location=location, provider=provider, on_events=["method_execution_finished"])
    ).kickoff()
    _, last = next(provider.newest(location, "main"))
    following = replace(last, checkpoint_id="following", parent_id=last.checkpoint_id)
    written: list[str] = []

    def fill_and_go_on(handle: int, content: bytes) -> None:
        fill(handle, content)
        if not written:
            written.append("")
            written[0] = provider.write(location, following)

    monkeypatch.setattr("harness.flow.checkpoints.json_files.fill", fill_and_go_on)
    assert provider.prune(location, "main", 1) == 1
    assert provider.read(written[0]).checkpoint_id == "following"
    assert [checkpoint.checkpoint_id for _, checkpoint in provider.newest(location, "main")] == [
        "following",
        last.checkpoint_id,
    ]


def test_sqlite_gives_a_location_without_a_suffix_one(tmp_path: Path) -> None:
    config = CheckpointConfig(location=tmp_path / "kept", provider="sqlite", on_events=["flow_finished"])
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
    @start()
    def first(self) -> object:
        return threading.Lock()


def full(path: Path) -> Flow:
    path.write_text("no folder")
    return Two(checkpoint=CheckpointConfig(location=str(path), on_events=["method_execution_finished"]))


def foreign(path: Path) -> Flow:
    path.write_text("no database" * 100)
    config = CheckpointConfig(location=f"{path}.db", on_events=["method_execution_finished"], provider=SqliteProvider())
    path.rename(config.location)
    return Two(checkpoint=config)


FAILS: dict[str, tuple[Callable[[Path], Flow], str]] = {
    "a value that can't be kept": (
        lambda path: Unkept(checkpoint=CheckpointConfig(location=str(path), on_events=["method_execution_finished"])),
        "what 'first' returned holds a _thread.lock",
    ),
    "a folder that can't be made": (full, "Not a directory"),
    "a database that is none": (foreign, "not a database"),
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
        lambda: Two().kickoff(from_checkpoint="x"),  # type: ignore[arg-type]
        "from_checkpoint is a CheckpointConfig, True or False, not 'x'",
    ),
    "something else as an option": (lambda: Two(checkpoint="x"), "checkpoint of Two is a CheckpointConfig"),  # type: ignore[arg-type]
    "a flow at no checkpoint": (lambda: Two.from_checkpoint(PLAIN), "give a CheckpointConfig with restore_from"),
    "a flow at a path": (
        lambda: Two.from_checkpoint("kept/main/1.json"),  # type: ignore[arg-type]
        "what Two begins at is a CheckpointConfig, True or False, not 'kept/main/1.json'",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_be_done_is_refused_at_the_call(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


@pytest.mark.parametrize(
    "settings", [{"provider": "xml"}, {"max_checkpoints": 0}, {"locatoin": "x"}, {"on_events": ["task_done"]}], ids=str
)
def test_a_config_that_can_not_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="^CheckpointConfig: "):
        CheckpointConfig(**settings)


def test_an_event_that_nobody_can_publish_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no event has the type 'noticed'; there are .* noted, .*task_completed"):
        CheckpointConfig(on_events=["noted", "noticed"])


def test_type_checkers_and_the_config_take_the_same() -> None:
    (made,) = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(CheckpointConfig)))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    named = {option.arg: ast.unparse(option.annotation or made) for option in made.args.kwonlyargs}
    assert named.keys() == CheckpointConfig.model_fields.keys()
    for provider in re.findall(r"'(\w+)'", named["provider"]):
        CheckpointConfig(provider=provider)


def test_the_defaults_are_those_that_users_know() -> None:
    config = CheckpointConfig()
    assert (config.location, config.on_events, config.provider.name) == (
        "./.checkpoints",
        ["task_completed"],
        "JsonProvider",
    )
    assert (config.max_checkpoints, config.restore_from) == (None, None)
