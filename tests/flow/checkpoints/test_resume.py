"""Claims about runs that go on after they have stopped: what has finished is not run again, and the frames tell it all."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from conformance.areas.envelope import checks as envelope
from conformance.areas.order import checks as order
from conformance.timeline.evidence import Evidence
from harness import StreamFrame
from harness.bus import is_replaying
from harness.events import MethodExecutionStartedEvent
from harness.events.sources import sources
from harness.flow import CheckpointConfig, Flow, and_, frames_by_run, listen, router, start
from harness.flow.checkpoints.json_files import branch_folder
from harness.flow.value_codec import encode_exactly
from tests.flow.graph.graphs import collected, hearing

ROOT = Path(__file__).parents[3]


class Three(Flow):
    """Three methods, of which one fails while it is told to."""

    def __init__(self, kept: Path | CheckpointConfig, fails: str = "") -> None:
        config = CheckpointConfig(location=kept, on_events=[]) if isinstance(kept, Path) else kept
        super().__init__(checkpoint=config)
        self.fails = fails
        self.ran: list[str] = []

    def do(self, what: str) -> str:
        self.ran.append(what)
        if what == self.fails:
            raise LookupError(what)
        self.state["count"] = self.state.get("count", 0) + 1
        return what.upper()

    @start()
    def a(self) -> str:
        return self.do("a")

    @listen(a)
    async def b(self, value: str) -> str:
        return self.do("b")

    @listen(b)
    def c(self, value: str) -> str:
        self.do("c")
        return f"{value} {self.state['count']}"


def spoken(frames: list[StreamFrame]) -> list[str]:
    """Return what the frames of flows and methods say, one line each."""
    return [
        f"{frame.data.get('method_name') or frame.data['flow_name']} {frame.type.rpartition('_')[2]}"
        for frame in frames
        if frame.channel == "flow"
    ]


def ran_in(
    kept: Path | CheckpointConfig, fails: str = "", inputs: dict[str, Any] | None = None, **how: Any
) -> list[str]:
    """Return the methods that ran in a run that goes on with what there is, where it is not said otherwise."""
    flow = Three(kept, fails)
    with contextlib.suppress(LookupError):
        flow.kickoff(inputs, **(how or {"resume": True}))
    return flow.ran


def failed(folder: Path, at: str, **inputs: Any) -> list[StreamFrame]:
    """Return the frames of a run that fails."""
    session = Three(folder, at).stream_events(inputs, resume=True)
    with pytest.raises(LookupError):
        list(session)
    return session.frames


def test_the_frames_tell_each_run_apart_and_keep_every_order(tmp_path: Path) -> None:
    first = failed(tmp_path, "b")
    second = failed(tmp_path, "c")
    flow = Three(tmp_path)
    session = flow.stream_events(resume=True, look_ahead=1)
    frames = list(session)
    assert (flow.ran, session.result) == (["c"], "B 3")
    runs = frames_by_run(frames)
    flows = [[frame for frame in run if frame.channel == "flow"] for run in runs]
    assert [spoken(run) for run in flows] == [
        ["Three started", "a started", "a finished", "Three failed"],
        ["Three started", "b started", "b finished", "Three failed"],
        ["Three started", "c started", "c finished", "Three finished"],
    ]
    assert sum(map(len, runs)) == len(frames)
    for check in (*order.CHECKS, *envelope.CHECKS):
        assert list(check.find(Evidence(tuple(frames), "exhausted"))) == []
    # What is shown again is what was seen then.
    seen = {frame.id: frame for frame in (*first, *second)}
    again = [frame for run in flows[:2] for frame in run if frame.type in ("flow_started", "method_execution_finished")]
    assert len(again) == 4
    for frame in again:
        then = seen[frame.id]
        assert (frame.timestamp, frame.data.get("result")) == (then.timestamp, then.data.get("result"))


def test_a_run_goes_on_and_is_told_in_its_order_though_the_clock_was_set_back_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = (datetime(2026, 1, 2, tzinfo=UTC) - timedelta(seconds=second) for second in itertools.count())
    with monkeypatch.context() as patch:
        patch.setattr(sources, "now", lambda: next(moments))
        failed(tmp_path, "c")
    session = Three(tmp_path).stream_events(resume=True)
    assert spoken(frames_by_run(session)[0]) == [
        *("Three started", "a started", "a finished", "b started", "b finished", "Three failed")
    ]
    assert session.result == "B 3"


def test_all_that_had_ended_is_told_before_what_waited_for_it_by_an_earlier_clock(tmp_path: Path) -> None:
    class Both(Three):
        @start()
        def d(self) -> str:
            return self.do("d")

        @listen(and_(Three.b, d))
        def c(self, value: str) -> str:
            return self.do("c")

        @listen(c)
        def e(self, value: str) -> str:
            return self.do("e")

    with contextlib.suppress(LookupError):
        Both(tmp_path, "e").kickoff(resume=True)
    path = max(tmp_path.rglob("*.json"))
    kept = json.loads(path.read_text())
    for call in kept["runs"][0]["calls"]:
        call["started"]["timestamp"] = "2000-01-01T00:00:00Z"
    path.write_text(json.dumps(kept))
    lines = spoken(frames_by_run(Both(tmp_path).stream_events(resume=True))[0])
    assert lines.index("c started") > max(map(lines.index, ("a finished", "b finished", "d finished")))


@pytest.mark.parametrize("provider", ["json", "jsonl"])
def test_a_run_that_is_gone_on_with_by_an_earlier_clock_is_the_last_one(
    tmp_path: Path, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.flow.checkpoints.provider._moments._last", 0)
    kept = CheckpointConfig(location=tmp_path, on_events=[], provider=provider)
    assert ran_in(kept, "b") == ["a", "b"]
    for path in tmp_path.rglob("*.json*"):
        path.rename(path.with_name(f"2199{path.name[4:]}"))
    assert [ran_in(kept, fails) for fails in ("c", "c", "")] == [["b", "c"], ["c"], ["c"]]


@pytest.mark.parametrize("provider", ["json", "jsonl"])
def test_a_run_that_begins_by_an_earlier_clock_is_the_last_one_and_keeps_what_it_writes(
    tmp_path: Path, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = CheckpointConfig(location=tmp_path, on_events=["method_execution_finished"], provider=provider)

    def run(fails: str, **options: Any) -> list[str]:
        # As in a process of its own.
        monkeypatch.setattr("harness.flow.checkpoints.provider._moments._last", 0)
        branch_folder.cache_clear()
        return ran_in(kept, fails, **options)

    run("c", resume=False)
    for path in tmp_path.rglob("*.json*"):
        path.rename(path.with_name(f"2199{path.name[4:]}"))
    kept = kept.model_copy(update={"max_checkpoints": 2})
    run("b", resume=False)
    assert run("", resume=True) == ["b", "c"]


def test_the_inputs_go_into_the_state_once(tmp_path: Path) -> None:
    failed(tmp_path, "b", count=10)
    assert Three(tmp_path).kickoff({"count": 10}, resume=True) == "B 13"


class Marked(Flow):
    fails = True

    @start()
    def draft(self) -> dict[str, Any]:
        return {"text": "Hello"}

    @router(draft)
    def mark(self, draft: dict[str, Any]) -> str:
        draft["mark"] = 1
        return "marked"

    @listen(draft)
    def send(self, draft: dict[str, Any]) -> dict[str, Any]:
        if self.fails:
            raise LookupError("send")
        return draft


def test_what_a_method_has_made_of_an_output_is_there_after_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = CheckpointConfig(location=str(tmp_path))
    with pytest.raises(LookupError):
        Marked(checkpoint=kept).kickoff(resume=True)
    monkeypatch.setattr(Marked, "fails", False)
    assert Marked(checkpoint=kept).kickoff(resume=True) == {"text": "Hello", "mark": 1}


class Letter(BaseModel):
    text: str
    marks: list[int] = []


@pytest.mark.parametrize("kind", [dict, Letter])
def test_only_outputs_that_have_changed_are_encoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Any]
) -> None:
    class Letters(Flow):
        @start()
        def one(self) -> Any:
            self.first = kind(text="one")
            return self.first

        @listen(one)
        def two(self) -> Any:
            return kind(text="two")

        @listen(two)
        def three(self) -> None:
            marks = self.first.setdefault("marks", []) if kind is dict else self.first.marks
            marks.append(3)

        @listen(three)
        def four(self) -> None: ...

    encoded: list[str] = []

    def encode(value: Any, label: str) -> Any:
        encoded.append("nothing" if value is None else value["text"] if kind is dict else value.text)
        return encode_exactly(value, label)

    monkeypatch.setattr("harness.flow.checkpoints.pieces.encode_exactly", encode)
    Letters(checkpoint=CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])).kickoff()
    assert encoded == ["one", "two", "one", "nothing", "nothing"]


@pytest.mark.parametrize("id_", [5, uuid.uuid4()], ids=["number", "uuid"])
def test_a_run_whose_id_was_given_as_no_text_is_found(tmp_path: Path, id_: Any) -> None:
    failed(tmp_path, "b", id=id_)
    assert ran_in(tmp_path, inputs={"id": id_}) == ["b", "c"]


def test_a_location_is_looked_for_from_the_current_folder(
    tmp_path: Path, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        config = CheckpointConfig(location="kept", provider=kept["provider"])
        assert [ran_in(config, "b"), ran_in(config)] == [["a", "b"], ["b", "c"]]


def test_a_run_with_an_id_of_which_another_class_has_kept_one_begins_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Renamed(Three):
        """What the class is called by now."""

    failed(tmp_path, "b", id="x")
    flow = Renamed(tmp_path)
    flow.kickoff({"id": "y"}, resume=True)
    assert caplog.text == ""
    flow.kickoff({"id": "x"}, resume=True)
    assert flow.ran == ["a", "b", "c"] * 2
    assert "with the id 'x' is of tests.flow.checkpoints.test_resume:Three, and not of" in caplog.text


def test_runs_are_told_apart_by_the_id_of_their_state(tmp_path: Path) -> None:
    failed(tmp_path, "b", id="one", count=10)
    failed(tmp_path, "c", id="two", count=20)
    flow = Three(tmp_path)
    assert flow.kickoff({"id": "one"}, resume=True) == "B 13"
    assert flow.ran == ["b", "c"]
    assert Three(tmp_path).kickoff({"id": "three"}, resume=True) == "B 3"


def test_a_run_that_has_ended_gives_its_result_again_and_runs_nothing(tmp_path: Path) -> None:
    async def ends() -> tuple[list[str], Any, list[str]]:
        flow = Three(tmp_path)
        session = flow.astream(resume=True)
        frames = await collected(session)
        return spoken(frames_by_run(frames)[-1][-2:]), session.result, flow.ran

    assert asyncio.run(ends())[1:] == ("B 3", ["a", "b", "c"])
    assert asyncio.run(ends()) == (["Three started", "Three finished"], "B 3", [])


def test_a_listener_can_tell_what_is_only_shown_again(tmp_path: Path) -> None:
    failed(tmp_path, "b")
    with hearing(MethodExecutionStartedEvent, note=lambda event: (event.method_name, is_replaying())) as heard:
        Three(tmp_path).kickoff(resume=True)
    assert heard == [("a", True), ("b", False), ("c", False)]


@pytest.mark.parametrize("on_one_object", [True, False])
def test_a_fork_goes_on_with_the_last_run_on_its_branch_and_begins_at_its_checkpoint_where_there_is_none(
    tmp_path: Path, on_one_object: bool
) -> None:
    failed(tmp_path, "c")
    written = CheckpointConfig(location=tmp_path, on_events=[])
    *_, (where, _) = written.provider.newest(str(tmp_path), "main")
    Three(tmp_path).kickoff(resume=True)
    kept_on_main = len(list(written.provider.newest(str(tmp_path), "main")))

    def fork(fails: str = "") -> Three:
        return Three.fork(
            written.model_copy(update={"restore_from": where}), branch="other", kept=tmp_path, fails=fails
        )

    flow = fork("c")
    with pytest.raises(LookupError):
        flow.kickoff(resume=True)
    assert flow.ran == ["b", "c"]
    again = flow if on_one_object else fork()
    again.fails, again.ran = "", []
    assert (again.kickoff(resume=True), again.ran) == ("B 3", ["c"])
    assert len(list(written.provider.newest(str(tmp_path), "main"))) == kept_on_main


def test_what_had_finished_beside_a_method_that_failed_is_not_run_again(tmp_path: Path) -> None:
    ran: list[str] = []

    class Pair(Flow):
        fails: bool = True

        @start()
        async def asks(self) -> str:
            if self.fails:
                raise LookupError("asks")
            return "asked"

        @start()
        async def charges(self) -> str:
            ran.append("charged")
            return "charged"

    kept = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])
    with pytest.raises(LookupError):
        Pair(checkpoint=kept).kickoff(resume=True)
    assert Pair(checkpoint=kept, fails=False).kickoff(resume=True) == "asked"
    assert ran == ["charged"]


def test_a_run_that_was_closed_goes_on(tmp_path: Path) -> None:
    with Three(tmp_path).stream_events(resume=True, look_ahead=1) as session:
        for frame in session:
            if frame.type == "method_execution_finished":
                break
    flow = Three(tmp_path)
    assert flow.kickoff(resume=True) == "B 3"
    assert "a" not in flow.ran


# Killed.


@pytest.mark.parametrize(
    "provider", ["json", pytest.param("jsonl", marks=pytest.mark.slow), pytest.param("sqlite", marks=pytest.mark.slow)]
)
def test_wherever_a_run_is_killed_each_method_that_had_finished_ran_once(tmp_path: Path, provider: str) -> None:
    command = [sys.executable, "-m", "tests.flow.checkpoints.killed_runs", str(tmp_path), provider]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    *killed, whole = report
    assert len(killed) == len(whole["first"]) - 1
    for until, one in enumerate(report, 1):
        ends = [row for row in one["first"] if row.get("type") == "method_execution_finished"]
        names = [row["method"] for row in ends]
        finished = [
            name if name != "ship" else f"ship {names[: at + 1].count('ship')}" for at, name in enumerate(names)
        ]
        times = Counter(one["lines"])
        assert {name: times[name] for name in finished} == dict.fromkeys(finished, 1), until
        assert set(times) == {"order", "stock", "invoice", "pay", "ship 1", "ship 2", "thank"}
        assert max(times.values()) <= 2
        assert one["second"][-1]["result"] == [2, 6]
        # What had been seen to end is shown again by the run that goes on, the same.
        again = {row.get("id"): row for row in one["second"]}
        assert [again.get(row["id"]) for row in ends] == ends
    assert Counter(whole["lines"]).most_common(1)[0][1] == 1
