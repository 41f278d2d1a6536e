"""Replaying: what was recorded comes again, offline, and every way in which it does not is told apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import (
    NetworkBlockedError,
    ProviderStatusError,
    StreamTruncatedError,
    UnreadableRecordingError,
    UsageError,
)
from harness.recording import Target, load_recording, record, replay_cassette, replay_recording
from harness.recording.files.asides import new_aside
from harness.recording.replayed import Replayed
from tests.recording.support.recorded import SUBJECTS
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import EXPANDED_TEXT, HARBOUR_TEXT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings, not to be changed: of flows, and of calls by their scenario."""
    folder = tmp_path_factory.mktemp("recorded")
    scenarios = ("text", "tool_call", "bad_key", "truncated")
    with OpenAIChatServer() as server:
        for name in ("StoryFlow", "OwnRequestFlow", "SwallowingFlow", *scenarios):
            attribute, inputs = ("scenario", {"name": name}) if name in scenarios else (name, {})
            record(Target(f"{SUBJECTS}:{attribute}", inputs=inputs), folder / name, base_url=server.origin)
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def story(made: dict[str, Path]) -> Path:
    """The recording of a flow with two calls, not to be changed."""
    return made["StoryFlow"]


@pytest.fixture
def copy(story: Path, tmp_path: Path) -> Path:
    """The same recording, to be edited."""
    return Path(shutil.copytree(story, tmp_path / "story"))


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, made: dict[str, Path]) -> None:
    """A replay that opens a socket has failed, whatever else it does."""

    def refuse(*args: Any) -> None:
        raise AssertionError("a replay opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def kinds(replayed: Replayed) -> list[str]:
    return [f"{one.kind} {one.where}" for one in replayed.differences]


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def edit_frame(folder: Path, type_: str, change: Callable[[Any], None]) -> None:
    lines = (folder / "frames.jsonl").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if f'"type":"{type_}"' in line)
    frame = json.loads(lines[at])
    change(frame)
    lines[at] = json.dumps(frame)
    (folder / "frames.jsonl").write_text("\n".join(lines) + "\n")


def edit_cassette(path: Path, change: Callable[[list[Any]], None]) -> None:
    cassette = yaml.safe_load(path.read_text())
    change(cassette["interactions"])
    path.write_text(yaml.safe_dump(cassette, allow_unicode=True))


def test_a_run_comes_again_with_its_frames_and_result(story: Path) -> None:
    replayed = replay_recording(story)
    assert (replayed.kind, replayed.provider, replayed.ended, replayed.error) == (
        "recording",
        "openai",
        "exhausted",
        None,
    )
    assert (replayed.differences, replayed.problems) == ([], [])
    assert replayed.sessions[0].result == EXPANDED_TEXT
    assert len(replayed.frames) == len((story / "frames.jsonl").read_text().splitlines()) - 1


def test_a_run_that_goes_to_another_folder_leaves_its_caller_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    monkeypatch.chdir(here)
    record(Target(f"{SUBJECTS}:MovingFlow", inputs={"folder": str(tmp_path)}), tmp_path / "moving")
    recorded_in = Path.cwd()
    os.chdir(here)
    replayed = replay_recording(tmp_path / "moving")
    assert (recorded_in, Path.cwd(), replayed.differences) == (here, here, [])


def test_an_edited_frame_is_a_difference_at_its_place(copy: Path) -> None:
    edit_frame(copy, "flow_finished", lambda frame: frame["data"].update(result="another"))
    replayed = replay_recording(copy)
    assert kinds(replayed) == ["changed flow StoryFlow / flow_finished"]
    assert replayed.differences[0].message.startswith('data.result: recorded "another", now "At dusk')


def test_fewer_whole_lines_than_the_run_gives_is_a_difference(copy: Path) -> None:
    lines = (copy / "frames.jsonl").read_text().splitlines(keepends=True)
    (copy / "frames.jsonl").write_text("".join(lines[:-1]))
    assert kinds(replay_recording(copy)) == ["added flow StoryFlow"]


def test_an_edited_chunk_is_a_difference_in_chunk_answer_and_result(copy: Path) -> None:
    def change(interactions: list[Any]) -> None:
        body = interactions[1]["response"]["body"]
        body["string"] = body["string"].replace('"content":"At"', '"content":"By"')

    edit_cassette(copy / "cassette.yaml", change)
    replayed = replay_recording(copy)
    where = "flow StoryFlow / method_execution expand / llm_call gpt-4o-mini"
    assert kinds(replayed) == [
        f"changed {where} / llm_stream_chunk gpt-4o-mini",
        f"changed {where} / llm_call_completed",
        "changed flow StoryFlow / method_execution expand / method_execution_finished",
        "changed flow StoryFlow / flow_finished",
        "changed outcome",
    ]
    assert [one.is_consequence for one in replayed.differences] == [False, True, True, True, True]
    assert replayed.problems == []


def test_an_edited_request_is_one_that_was_not_recorded_and_one_that_was_never_made(copy: Path) -> None:
    def change(interactions: list[Any]) -> None:
        request = interactions[1]["request"]
        request["body"] = request["body"].replace("paragraph", "sentence")

    edit_cassette(copy / "cassette.yaml", change)
    replayed = replay_recording(copy)
    [missed], [unplayed] = replayed.problems, replayed.unplayed
    assert (
        "request 2 (POST https://api.openai.com/v1/chat/completions) matches none of 2 (nearest: 2, body differs at"
        in missed
    )
    assert 'messages[0].content: recorded "Expand this outline into one sentence:' in missed
    assert unplayed.startswith("recorded request 2 (POST api.openai.com/v1/chat/completions) was never made")


def test_a_run_that_asks_less_than_was_recorded_leaves_requests_unplayed(copy: Path) -> None:
    edit_cassette(copy / "cassette.yaml", lambda interactions: interactions.append(interactions[0]))
    replayed = replay_recording(copy)
    assert replayed.differences == []
    assert replayed.problems == []
    assert [unplayed.partition(" (")[0] for unplayed in replayed.unplayed] == ["recorded request 3"]


def test_a_changed_result_is_a_difference(copy: Path) -> None:
    edit_json(copy / "recording.json", lambda value: value["outcome"].update(results=["another"]))
    replayed = replay_recording(copy)
    assert kinds(replayed) == ["changed outcome"]
    assert replayed.differences[0].message.startswith('results[0]: recorded "another"')


def test_a_run_that_was_to_fail_and_does_not_is_a_difference(copy: Path) -> None:
    edit_json(
        copy / "recording.json",
        lambda value: value["outcome"].update(status="failed", results=[], error="no", error_type="ValueError"),
    )
    assert set(kinds(replay_recording(copy))) == {"changed outcome"}


def test_update_writes_what_the_run_gives_now(copy: Path, story: Path) -> None:
    edit_frame(copy, "flow_finished", lambda frame: frame["data"].update(result="another"))
    edit_json(copy / "recording.json", lambda value: value["outcome"].update(results=["another"]))
    assert len(replay_recording(copy, update=True).differences) == 2
    assert replay_recording(copy).differences == []
    assert load_recording(copy) == load_recording(story)
    assert (copy / "cassette.yaml").read_bytes() == (story / "cassette.yaml").read_bytes()


def test_update_writes_no_credential_that_an_answer_holds(copy: Path) -> None:
    credential = f"ghp_{'a7Bc9' * 8}"[:40]

    def change(interactions: list[Any]) -> None:
        response = interactions[1]["response"]
        body = response["body"]
        # Marks would no longer add up.
        del body["chunks"], response["ended"]
        # Over two chunks: neither holds it.
        body["string"] = body["string"].replace('"content":"At"', f'"content":"At {credential[:20]}"', 1)
        body["string"] = body["string"].replace('"content":" dusk"', f'"content":"{credential[20:]} dusk"', 1)

    edit_cassette(copy / "cassette.yaml", change)
    replayed = replay_recording(copy, update=True)
    assert credential in replayed.sessions[0].result
    written = (copy / "frames.jsonl").read_text() + (copy / "recording.json").read_text()
    assert credential[:20] not in written
    assert credential[20:] not in written
    assert replay_recording(copy).differences == []


def test_update_leaves_equal_recordings_and_broken_runs_alone(copy: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    replay_recording(copy, update=True)
    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    edit_cassette(copy / "cassette.yaml", lambda interactions: interactions.pop())
    frames = (copy / "frames.jsonl").read_bytes()
    assert replay_recording(copy, update=True).problems
    assert (copy / "frames.jsonl").read_bytes() == frames


def cancel(folder: Path, frames: int) -> None:
    """Make a recording one of a run that was cancelled after so many frames."""
    lines = (folder / "frames.jsonl").read_text().splitlines(keepends=True)
    (folder / "frames.jsonl").write_text("".join(lines[: frames + 1]))
    cancelled = {"status": "cancelled", "results": [], "error": "", "error_type": "KeyboardInterrupt"}
    edit_json(
        folder / "recording.json", lambda value: value.update(outcome=cancelled, target=f"{SUBJECTS}:drained_story")
    )


def test_a_cancelled_run_that_gets_further_than_it_was_recorded_is_what_was_recorded(copy: Path) -> None:
    cancel(copy, 5)
    edit_cassette(copy / "cassette.yaml", lambda interactions: interactions.pop())
    replayed = replay_recording(copy)
    assert (replayed.differences, replayed.problems) == ([], [])
    assert len(replayed.frames) == 5


def test_a_cancelled_run_that_goes_another_way_is_told_with_what_it_asked(copy: Path) -> None:
    cancel(copy, 5)
    edit_cassette(copy / "cassette.yaml", lambda interactions: interactions.clear())
    replayed = replay_recording(copy)
    assert len(replayed.differences) > 0
    assert "matches none of 0 (nothing is recorded)" in replayed.problems[0]


def test_a_request_of_the_run_that_goes_around_its_llm_is_not_sent(
    made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay_recording(made["OwnRequestFlow"]).differences == []
    monkeypatch.setenv("SUBJECT_CALLS_OUT", "1")
    replayed = replay_recording(made["OwnRequestFlow"])
    assert "GET http://127.0.0.1:9/never) matches none of 1" in replayed.problems[0]
    assert not isinstance(replayed.error, NetworkBlockedError)


def test_an_attempt_to_reach_the_network_fails_the_run_that_swallowed_it(
    made: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay_recording(made["SwallowingFlow"]).problems == []
    monkeypatch.setenv("SUBJECT_CALLS_OUT", "1")
    replayed = replay_recording(made["SwallowingFlow"])
    assert (replayed.differences, replayed.error) == ([], None)
    (problem,) = replayed.problems
    assert re.match(
        r"a message to 127\.0\.0\.1:9 was about to be sent at \S+subjects\.py:\d+ in SwallowingFlow / answered while",
        problem,
    )


def partial(folder: Path) -> None:
    edit_json(folder / "recording.json", lambda value: value.update(status="partial", outcome=None))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (partial, "is partial: the process that recorded it was stopped. Look at it with show; record it again"),
        (lambda folder: (folder / "frames.jsonl").write_text('{"format":"harness.frames/1"}\n'), "there is nothing to check"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_an_error_and_not_a_difference(
    damage: Callable[[Path], None], message: str, copy: Path
) -> None:
    damage(copy)
    with pytest.raises(UnreadableRecordingError, match=message):
        replay_recording(copy)


def test_a_target_that_has_gone_is_an_error(copy: Path) -> None:
    edit_json(copy / "recording.json", lambda value: value.update(target=f"{SUBJECTS}:GoneFlow"))
    with pytest.raises(UsageError, match="has no attribute 'GoneFlow'"):
        replay_recording(copy)


def test_a_recording_hidden_by_a_kill_is_found_again(copy: Path) -> None:
    copy.rename(new_aside(copy).marked("moved"))
    assert replay_recording(copy).differences == []


def calls(path: Path) -> list[Replayed]:
    return list(replay_cassette(path))


def test_a_call_of_a_plain_cassette_is_made_again(made: dict[str, Path]) -> None:
    (run,) = calls(made["text"] / "cassette.yaml")
    assert (run.kind, run.interaction, run.provider, run.streamed, run.status) == ("cassette", 1, "openai", True, 200)
    assert (run.problems, run.error, run.differences) == ([], None, [])
    assert run.sessions[0].result == HARBOUR_TEXT


def test_a_tool_call_of_a_plain_cassette_is_not_run(made: dict[str, Path]) -> None:
    (run,) = calls(made["tool_call"] / "cassette.yaml")
    assert [call["function"]["name"] for call in run.sessions[0].result] == ["get_weather"]


def test_a_recorded_http_error_comes_back_as_that_error(made: dict[str, Path]) -> None:
    (run,) = calls(made["bad_key"] / "cassette.yaml")
    assert isinstance(run.error, ProviderStatusError)
    assert (run.status, run.is_recorded_error, run.problems) == (401, True, [])


def test_a_recorded_truncation_is_the_failure_that_it_was(made: dict[str, Path]) -> None:
    (run,) = calls(made["truncated"] / "cassette.yaml")
    assert isinstance(run.error, StreamTruncatedError)
    assert not run.is_recorded_error


def foreign(method: str, url: str, body: Any = "{}") -> dict[str, Any]:
    return {
        "request": {"method": method, "uri": url, "headers": {}, "body": body},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
    }


def test_interactions_are_judged_one_by_one(made: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    shutil.copy(made["text"] / "cassette.yaml", path)
    url = "https://api.openai.com/v1/chat/completions"

    def change(interactions: list[Any]) -> None:
        interactions.insert(0, foreign("POST", "https://traces.example.com/batch?key=x"))
        interactions.append(foreign("GET", url))
        interactions.append(foreign("POST", url, '{"model": "gpt-4o-mini"}'))
        interactions.append(foreign("POST", url, "{"))

    edit_cassette(path, change)
    runs = calls(path)
    assert [run.interaction for run in runs] == [1, 2, 3, 4, 5]
    assert [run.not_a_call for run in runs] == [
        "POST traces.example.com/batch is no call to a model", None,
        "GET api.openai.com/v1/chat/completions is no call to a model", None, None,
    ]  # fmt: skip
    assert runs[1].problems == []
    assert [run.problems for run in runs] == [[]] * 5
    assert [run.unjudged for run in runs[:3]] == [None] * 3
    assert runs[3].unjudged == "the recorded request has no 'messages'"
    assert (runs[4].unjudged or "").startswith("the recorded request body is not JSON")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("interactions: []\nversion: 1\n", "holds no interactions: there is nothing to check"),
        ("", "cassette"),
        ("[1]", "cassette"),
    ],
)
def test_a_cassette_that_holds_nothing_or_is_none_is_an_error(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text(content)
    with pytest.raises(UnreadableRecordingError, match=message):
        calls(path)


def test_a_missing_cassette_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match="missing.yaml"):
        calls(tmp_path / "missing.yaml")
