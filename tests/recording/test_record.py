"""Recording a run against a provider on loopback: what is written, what is left alone, and that it replays green."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.errors import (
    NetworkBlockedError,
    ProviderStatusError,
    RecordingError,
    StreamTruncatedError,
    UnreadableRecordingError,
    UnrecordedRequestError,
    UsageError,
)
from harness.recording import load_frames, load_recording, record, replay_recording
from harness.recording.files.asides import asides_of, new_aside
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.record import Recorded
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import open_tape
from harness.recording.target import Target
from harness.recording.wire import WireRequest as TapeRequest, WireResponse as TapeResponse
from tests.recording.support.recorded import SUBJECTS, assert_green, contents
from tests.recording.support.subjects import KEY, NUMBER, Order
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import EXPANDED_TEXT, HARBOUR_TEXT, SCENARIOS, Completion, Scenario
from tests.servers.wire_server import WireRequest, WireResponse


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def recorded(server: OpenAIChatServer, out: Path, attribute: str, *, mode: Any = "once", **options: Any) -> Recorded:
    return record(Target(f"{SUBJECTS}:{attribute}", **options), out, mode=mode, base_url=server.origin)


@dataclass(frozen=True)
class Subject:
    attribute: str
    status: str
    results: list[Any]
    interactions: int
    raises: type[BaseException] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


CREW_RESULT = {
    "json_dict": None,
    "token_usage": {
        "total_tokens": 168,
        "prompt_tokens": 121,
        "cached_prompt_tokens": 0,
        "completion_tokens": 47,
        "reasoning_tokens": 0,
        "cache_creation_tokens": 0,
        "successful_requests": 2,
    },
}
SUBJECT_ROWS = [
    Subject("text", "completed", [HARBOUR_TEXT], 1),
    Subject("atext", "completed", [HARBOUR_TEXT], 1),
    Subject("an_llm", "completed", [HARBOUR_TEXT], 1, options={"inputs": {"messages": SCENARIOS["text"].prompt}}),
    Subject("StoryFlow", "completed", [EXPANDED_TEXT], 2),
    Subject("GreetingFlow", "completed", ["Hello Ada"], 0, options={"inputs": {"name": "Ada"}}),
    Subject("story_crew", "completed", [{**CREW_RESULT, "raw": EXPANDED_TEXT}], 2),
    Subject("FailingFlow", "failed", [], 1, ValueError),
    Subject("scenario", "failed", [], 1, ProviderStatusError, {"inputs": {"name": "bad_key"}}),
    Subject("scenario", "failed", [], 1, StreamTruncatedError, {"inputs": {"name": "truncated"}}),
    Subject("scenario", "failed", [], 1, StreamTruncatedError, {"inputs": {"name": "truncated_eof"}}),
    Subject("scenario", "failed", [], 1, StreamTruncatedError, {"inputs": {"name": "truncated_reset"}}),
    Subject("InterruptedFlow", "cancelled", [], 1, KeyboardInterrupt),
    Subject("FailingWithIdFlow", "failed", [], 0, ValueError),
]


@pytest.mark.parametrize("row", SUBJECT_ROWS, ids=lambda row: "-".join([row.attribute, *row.options.get("inputs", ())]))
def test_what_is_recorded_replays_green(row: Subject, server: OpenAIChatServer, out: Path) -> None:
    done = recorded(server, out, row.attribute, **row.options)
    assert type(done.error) is (row.raises or type(None))
    assert (done.written, done.interactions, done.path) == (True, row.interactions, out)
    assert sorted(path.name for path in out.iterdir()) == ["cassette.yaml", "frames.jsonl", "recording.json"]
    said = load_recording(out)
    assert said == done.recording
    assert said.outcome is not None
    assert (said.status, said.outcome.status, said.outcome.results) == ("complete", row.status, row.results)
    assert said.outcome.error_type == (row.raises.__name__ if row.raises else None)
    assert said.providers == (("openai",) if row.interactions else ())
    assert len(load_frames(out / "frames.jsonl")) == done.frames
    assert len(read_cassette(out / "cassette.yaml")) == row.interactions
    assert_green(replay_recording(out))
    assert len(server.requests) == row.interactions, "the replay asked the server"
    assert sorted(path.name for path in out.parent.iterdir()) == ["recording"]


def test_ids_and_times_of_a_run_are_in_its_result_as_in_its_frames(server: OpenAIChatServer, out: Path) -> None:
    done = recorded(server, out, "StateFlow")
    assert done.recording.outcome is not None
    (result,) = done.recording.outcome.results
    assert result["id"] == "state-1"
    assert result["at"].startswith("1970-01-01T00:00:0")
    (finished,) = [frame for frame in load_frames(out / "frames.jsonl") if frame.type == "flow_finished"]
    assert finished.data["result"] == result
    assert_green(replay_recording(out))


def test_a_result_of_an_older_recording_is_compared_as_it_stands(server: OpenAIChatServer, out: Path) -> None:
    chosen = "5ca1ab1e-0000-4000-8000-000000000000"
    recorded(server, out, "GreetingFlow", inputs={"name": chosen, "id": chosen})
    recording = json.loads((out / "recording.json").read_text())
    assert recording["outcome"]["results"] == ["Hello state-1"]
    recording["outcome"]["results"] = [f"Hello {chosen}"]
    (out / "recording.json").write_text(json.dumps(recording))
    assert_green(replay_recording(out))


def test_a_recording_names_what_it_is_of(server: OpenAIChatServer, out: Path) -> None:
    said = record(
        Target(f"{SUBJECTS}:text", inputs={"prompt": SCENARIOS["unicode"].prompt}),
        out,
        base_url=server.origin,
        origin="authored",
    ).recording
    assert (said.target, said.entry, said.turns) == (f"{SUBJECTS}:text", None, ())
    assert said.inputs == {"prompt": SCENARIOS["unicode"].prompt}
    assert said.runtime["name"] == "harness"
    assert {"python", "openai", "vcrpy"} <= said.versions.keys()
    assert said.origin == "authored"
    assert "127.0.0.1" not in (out / "cassette.yaml").read_text()
    assert read_cassette(out / "cassette.yaml")[0].request.url == "https://api.openai.com/v1/chat/completions"


def test_text_is_given_on_as_it_comes(server: OpenAIChatServer, out: Path) -> None:
    told: list[str] = []
    record(Target(f"{SUBJECTS}:text"), out, base_url=server.origin, on_text=told.append)
    assert "".join(told) == HARBOUR_TEXT
    assert len(told) > 3


def test_ctrl_c_leaves_a_recording_that_says_so_and_replays_green(server: OpenAIChatServer, out: Path) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    done = record(Target(f"{SUBJECTS}:StoryFlow"), out, base_url=server.origin, on_text=interrupt)
    assert isinstance(done.error, KeyboardInterrupt)
    assert done.recording.outcome is not None
    assert (done.recording.status, done.recording.outcome.status) == ("complete", "cancelled")
    types = [frame.type for frame in load_frames(out / "frames.jsonl")]
    # How far the run is ahead of its reader is the machine's to say.
    assert "llm_stream_chunk" in types
    replayed = replay_recording(out)
    assert_green(replayed)
    assert len(replayed.frames) == done.frames


def test_ctrl_c_while_a_line_is_made_loses_no_frame(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = threading.Event()
    frames = Redactor.frames

    def interrupt(redactor: Redactor, group: Sequence[Any]) -> list[Any]:
        if len(group) > 1 and not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt
        return frames(redactor, group)

    monkeypatch.setattr(Redactor, "frames", interrupt)
    done = record(Target(f"{SUBJECTS}:StoryFlow"), out, base_url=server.origin)
    assert isinstance(done.error, KeyboardInterrupt)
    written = load_frames(out / "frames.jsonl")
    assert [frame.seq for frame in written] == list(range(1, done.frames + 1))
    assert "llm_call_completed" in {frame.type for frame in written}
    assert_green(replay_recording(out))


class Numbered(OpenAIChatServer):
    """Answers the same prompt with another text each time."""

    def __init__(self) -> None:
        super().__init__()
        self._answered = 0

    def answer(self, request: WireRequest) -> WireResponse:
        self._answered += 1
        self.scenarios = {"number": Scenario(NUMBER, (Completion(f"Number {self._answered}."),))}
        return super().answer(request)


@pytest.mark.parametrize("first_again", ["left", "right"])
def test_parallel_methods_that_ask_the_same_get_their_own_answers(first_again: str, out: Path) -> None:
    Order.begin("left")
    with Numbered() as server:
        recorded(server, out, "ParallelFlow")
    assert answers(load_frames(out / "frames.jsonl")) == {"left": "Number 1.", "right": "Number 2."}
    Order.begin(first_again)
    replayed = replay_recording(out)
    assert answers(replayed.frames) == {"left": "Number 1.", "right": "Number 2."}
    assert_green(replayed)


def answers(frames: Any) -> dict[str, str]:
    return {
        frame.data["method_name"]: frame.data["result"]
        for frame in frames
        if frame.type == "method_execution_finished" and frame.data["method_name"] in ("left", "right")
    }


def test_once_plays_what_is_recorded_and_leaves_it_alone(server: OpenAIChatServer, out: Path) -> None:
    recorded(server, out, "StoryFlow")
    before = contents(out)
    again = recorded(server, out, "StoryFlow")
    assert (again.written, again.interactions, len(server.requests)) == (False, 2, 2)
    assert contents(out.parent) == {f"recording/{name}": content for name, content in before.items()}


def test_none_plays_only(server: OpenAIChatServer, out: Path) -> None:
    with pytest.raises(UsageError, match="mode none plays what is recorded"):
        recorded(server, out, "text", mode="none")
    assert not out.exists()
    recorded(server, out, "text")
    before = contents(out)
    assert recorded(server, out, "text", mode="none").error is None
    other = recorded(server, out, "text", mode="none", inputs={"prompt": SCENARIOS["unicode"].prompt})
    assert isinstance(other.error, UnrecordedRequestError)
    # What is played is a copy, and is named by what was asked for.
    assert f"cassette '{out.parent.name}/recording/cassette.yaml'" in str(other.error)
    assert contents(out) == before
    assert len(server.requests) == 1


def test_what_is_only_played_reaches_nothing_past_its_tape(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("SUBJECT_CONNECTS_TO", str(listening.getsockname()[1]))
        assert recorded(server, out, "ConnectingFlow").error is None
        for mode in ("once", "none"):
            assert isinstance(recorded(server, out, "ConnectingFlow", mode=mode).error, NetworkBlockedError)


def test_new_plays_what_is_there_and_records_the_rest(server: OpenAIChatServer, out: Path) -> None:
    recorded(server, out, "text")
    done = recorded(server, out, "three_calls", mode="new", inputs={"last": "unicode"})
    assert (done.written, done.interactions) == (True, 3)
    asked = [request.body["messages"][0]["content"] for request in server.requests]
    assert asked == [SCENARIOS[name].prompt for name in ("text", "outline", "unicode")]
    assert_green(replay_recording(out))


def test_a_changed_request_is_recorded_again_as_its_miss_says(server: OpenAIChatServer, out: Path) -> None:
    recorded(server, out, "text")
    changed = {"prompt": SCENARIOS["unicode"].prompt}
    miss = recorded(server, out, "text", mode="none", inputs=changed).error
    advised = str(miss).partition("record it again with --mode ")[2]
    assert recorded(server, out, "text", mode=advised, inputs=changed).written
    assert_green(replay_recording(out))


@pytest.mark.parametrize("mode", ["once", "new", "all"])
def test_a_run_that_makes_no_request_is_recorded(mode: str, server: OpenAIChatServer, out: Path) -> None:
    done = recorded(server, out, "GreetingFlow", mode=mode, inputs={"name": "Ada"})
    assert (done.written, done.interactions) == (True, 0)
    assert_green(replay_recording(out))


def test_all_records_anew(server: OpenAIChatServer, out: Path) -> None:
    recorded(server, out, "StoryFlow")
    done = recorded(server, out, "text", mode="all")
    assert (done.written, done.interactions, len(server.requests)) == (True, 1, 3)
    assert_green(replay_recording(out))


def test_a_recording_of_another_target_is_not_played_and_replaced_with_a_word(
    server: OpenAIChatServer, out: Path
) -> None:
    recorded(server, out, "StoryFlow")
    before, notes = contents(out), list[str]()
    for mode in ("once", "none"):
        with pytest.raises(
            UsageError, match="is a recording of '.*:StoryFlow', not of '.*:text'; choose another folder"
        ):
            recorded(server, out, "text", mode=mode)
    assert contents(out) == before
    record(Target(f"{SUBJECTS}:text"), out, mode="all", base_url=server.origin, on_note=notes.append)
    assert [note for note in notes if "which is to take its place" in note] == notes != []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of `text`, not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "recording"
    with OpenAIChatServer() as server:
        recorded(server, folder, "text")
    return folder


@pytest.mark.parametrize("name", ["recording.json", "frames.jsonl", "cassette.yaml"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff torn", None], ids=["empty", "torn", "missing"])
@pytest.mark.parametrize("mode", ["none", "once", "new"])
def test_an_unreadable_recording_is_never_written_over(
    mode: Any, content: bytes | None, name: str, whole: Path, out: Path
) -> None:
    shutil.copytree(whole, out)
    if content is None:
        (out / name).unlink()
    else:
        (out / name).write_bytes(content)
    before = contents(out.parent)
    # Nobody listens there: what asks fails.
    with pytest.raises(UnreadableRecordingError, match=name):
        record(Target(f"{SUBJECTS}:text"), out, mode=mode, base_url="http://127.0.0.1:9")
    assert contents(out.parent) == before


def test_a_recording_hidden_by_a_kill_is_found_again_before_anything_is_recorded(
    server: OpenAIChatServer, out: Path
) -> None:
    recorded(server, out, "text")
    before = contents(out)
    out.rename(new_aside(out).marked("moved"))
    assert recorded(server, out, "text").written is False
    assert contents(out) == before
    assert len(server.requests) == 1


def test_a_folder_of_other_things_is_refused_before_anything_is_asked(server: OpenAIChatServer, out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("precious")
    with pytest.raises(RecordingError, match=r"thesis\.tex, which is no part of a recording"):
        recorded(server, out, "text", mode="all")
    assert contents(out.parent) == {"recording/thesis.tex": b"precious"}
    assert server.requests == []


@pytest.mark.parametrize(
    ("attribute", "options", "message"),
    [
        ("missing", {}, "has no attribute 'missing'"),
        ("nothing", {}, "which is no session"),
        ("NOT_A_TARGET", {}, "expected a flow, an LLM, a crew"),
        ("text", {"inputs": {"depth": 1}}, "can't be started with the inputs given"),
    ],
)
def test_a_target_that_can_not_be_run_leaves_nothing(
    attribute: str, options: Mapping[str, Any], message: str, server: OpenAIChatServer, out: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        recorded(server, out, attribute, **options)
    assert contents(out.parent) == {}
    assert list(out.parent.iterdir()) == []


def test_a_target_of_another_runtime_is_refused(server: OpenAIChatServer, out: Path) -> None:
    with pytest.raises(UsageError, match="runs on 'harness', not on 'crewai' as asked for"):
        record(Target(f"{SUBJECTS}:text"), out, base_url=server.origin, runtime="crewai")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("attribute", "inputs"),
    [("told_key", {}), ("FailingWithKeyFlow", {}), ("text", {"prompt": f"{SCENARIOS['text'].prompt} {KEY}"})],
)
def test_a_credential_reaches_no_file_and_the_recording_replays_green(
    attribute: str, inputs: dict[str, str], server: OpenAIChatServer, out: Path
) -> None:
    done = recorded(server, out, attribute, inputs=inputs)
    for name, content in contents(out).items():
        assert KEY.encode() not in content, name
    assert KEY not in done.recording.model_dump_json()
    assert_green(replay_recording(out))


def test_a_credential_that_the_model_streams_in_pieces_reaches_no_file(out: Path) -> None:
    with OpenAIChatServer(
        {"key": Scenario(SCENARIOS["text"].prompt, (Completion(f"It is {KEY}, I think."),))}
    ) as server:
        done = recorded(server, out, "text")
    assert done.error is None
    frames = load_frames(out / "frames.jsonl")
    assert KEY not in "".join(frame.content for frame in frames)
    assert all(KEY.encode() not in content for content in contents(out).values())
    body = b"".join(read_cassette(out / "cassette.yaml")[0].response.body.split(b"\n\n"))
    deltas = "".join(json.loads(part)["choices"][0]["delta"].get("content") or "" for part in _events(body))
    assert KEY not in deltas
    assert "I think." in deltas
    assert_green(replay_recording(out))


def _events(body: bytes) -> list[str]:
    return [part for part in body.decode().split("data: ") if part.startswith("{") and '"choices":[{' in part]


RECORDER = """
import sys
from pathlib import Path
from harness.recording import Target, record
record(Target("tests.recording.support.subjects:" + sys.argv[3], inputs={"last": "blocked_head"}), Path(sys.argv[1]), mode="all",
       base_url=sys.argv[2])
"""


def stopped_in_the_middle(server: OpenAIChatServer, out: Path, attribute: str, by: signal.Signals) -> None:
    """Record a good run, and begin another that is stopped while its third call waits for an answer."""
    recorded(server, out, "text")
    before = contents(out)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    recorder = subprocess.Popen([sys.executable, "-c", RECORDER, str(out), server.origin, attribute], env=environment)
    try:
        server.wait_for(lambda: server.held == 1, timeout_s=30)
    finally:
        recorder.send_signal(by)
        recorder.wait(30)
    assert contents(out) == before


@pytest.mark.parametrize("attribute", ["three_calls", "three_tasks"])
def test_ctrl_c_leaves_the_old_recording_and_one_beside_it_that_replays_green(
    attribute: str, server: OpenAIChatServer, out: Path
) -> None:
    stopped_in_the_middle(server, out, attribute, signal.SIGINT)
    (aside,) = asides_of(out)
    assert aside.mark == "cancelled"
    said = load_recording(aside.path)
    assert said.outcome is not None
    assert (said.status, said.outcome.status) == ("complete", "cancelled")
    assert_green(replay_recording(aside.path))


BEGINNINGS = {
    "three_calls": ["flow_started", "method_execution_started", "llm_call_started", "llm_call_completed"],
    "three_tasks": [
        *("crew_kickoff_started", "task_started", "agent_execution_started", "llm_call_started", "llm_call_completed"),
    ],
}


@pytest.mark.parametrize("attribute", BEGINNINGS)
def test_kill_leaves_the_old_recording_and_a_partial_one_that_can_be_read(
    attribute: str, server: OpenAIChatServer, out: Path
) -> None:
    stopped_in_the_middle(server, out, attribute, signal.SIGKILL)
    assert_green(replay_recording(out))
    (aside,) = asides_of(out)
    partial = aside.path
    said = load_recording(partial)
    assert (said.status, said.outcome, said.target) == ("partial", None, f"{SUBJECTS}:{attribute}")
    kept = load_frames(partial / "frames.jsonl")
    types = [frame.type for frame in kept if not frame.type.endswith("_chunk")]
    assert types[: len(BEGINNINGS[attribute])] == BEGINNINGS[attribute]
    begun, ended = (types.count(f"llm_call_{one}") for one in ("started", "completed"))
    assert begun == ended, "a call is written when it has ended, and not before"
    assert [one.response.status for one in read_cassette(partial / "cassette.yaml.partial")] == [200, 200]
    with pytest.raises(UnreadableRecordingError, match="is partial: the process that recorded it was stopped"):
        replay_recording(partial)
    assert recorded(server, out, "text", mode="all").written
    assert sorted(path.name for path in out.parent.iterdir()) == ["recording", partial.name]


class SlowRedactor(Redactor):
    """Works on a response until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go = threading.Event()

    def response(self, response: TapeResponse) -> TapeResponse:
        self.inside.set()
        assert self.go.wait(10)
        return super().response(response)


def test_a_response_that_is_being_taken_down_when_the_tape_ends_is_kept(tmp_path: Path) -> None:
    redactor = SlowRedactor()
    opened = open_tape(tmp_path / "cassette.yaml", "all", redactor=redactor)
    tape = opened.__enter__()
    take = tape.begin(TapeRequest("POST", "https://api.openai.com/v1/chat/completions", (), b"{}"))
    take.responded(200, "OK", ())
    take.chunk(b"whole")
    ending = threading.Thread(target=take.ended, args=("complete",))
    ending.start()
    assert redactor.inside.wait(10)
    closing = threading.Thread(target=tape.close)
    closing.start()
    closing.join(0.1)  # returns at once where closing does not wait, which is what must not be
    redactor.go.set()
    for thread in (ending, closing):
        thread.join(10)
    opened.__exit__(None, None, None)
    (kept,) = read_cassette(tmp_path / "cassette.yaml")
    assert (kept.response.body, kept.response.ended.how) == (b"whole", "complete")
