"""What has been recorded is lost by nothing that happens later (clause `replay.kept`)."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordingError, UnsafeRecordingError
from harness.recording import Target, accept, record, replay_recording, scan
from harness.recording.files.asides import asides_of
from harness.recording.files.frames_file import FrameLines
from harness.recording.record import Recorded
from harness.recording.scan import Finding
from tests.recording.support.recorded import SUBJECTS, assert_green, contents
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import HARBOUR_TEXT

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "story"


def recorded(base_url: str, out: Path, attribute: str = "text", **options: Any) -> Recorded:
    inputs = options.pop("inputs", {})
    return record(Target(f"{SUBJECTS}:{attribute}", inputs=inputs), out, base_url=base_url, **options)


def kept(out: Path) -> list[str]:
    return [aside.mark for aside in asides_of(out)]


def interrupted(text: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("mark", "attribute", "options"),
    [
        ("failed", "FailingFlow", {}),
        ("failed", "scenario", {"inputs": {"name": "bad_key"}}),
        ("cancelled", "StoryFlow", {"on_text": interrupted}),
        ("cancelled", "story_crew", {"on_text": interrupted}),
    ],
)
@pytest.mark.parametrize("mode", ["new", "all"])
def test_a_run_that_ends_worse_stands_aside_whole_and_can_be_accepted(
    mode: str, mark: str, attribute: str, options: dict[str, Any], server: OpenAIChatServer, out: Path
) -> None:
    recorded(server.origin, out)
    before = contents(out)
    notes: list[str] = []
    done = recorded(server.origin, out, attribute, mode=mode, on_note=notes.append, **options)
    assert (done.written, kept(out), contents(out)) == (False, [mark], before)
    assert done.aside is not None
    warned, note = notes
    assert f"is a recording of '{SUBJECTS}:text', not of '{SUBJECTS}:{attribute}'" in warned
    assert f"This one is kept in '{done.aside}'" in note
    assert f"harness record --accept -o {out}" in note
    if mode == "all":
        assert_green(replay_recording(done.aside))
    accept(out)
    assert (out / "recording.json").read_text() == done.recording.dump().decode()
    assert kept(out) == []


def test_a_run_without_an_answer_does_not_replace_one_that_failed_with_one(server: OpenAIChatServer, out: Path) -> None:
    recorded(server.origin, out, "scenario", inputs={"name": "bad_key"})
    before = contents(out)
    assert not recorded(NOBODY, out, "scenario", inputs={"name": "bad_key"}, mode="all").written
    assert (contents(out), kept(out)) == (before, ["failed"])


def test_a_run_that_fails_as_the_one_before_takes_its_place(server: OpenAIChatServer, out: Path) -> None:
    for name in ("bad_key", "truncated"):
        assert recorded(server.origin, out, "scenario", inputs={"name": name}, mode="all").written
    assert kept(out) == []


@pytest.mark.parametrize("attribute", ["text", "StoryFlow"])
def test_a_first_recording_without_an_answer_is_recorded_again(
    attribute: str, server: OpenAIChatServer, out: Path
) -> None:
    first = recorded(NOBODY, out, attribute)
    assert first.written
    assert first.error is not None
    notes: list[str] = []
    again = recorded(server.origin, out, attribute, on_note=notes.append)
    assert (again.written, again.error) == (True, None)
    (note,) = notes
    assert "is of a run that got no answer (ProviderConnectionError" in note
    assert note.endswith("so it is recorded again")
    assert not recorded(NOBODY, out, attribute).written, "what is recorded now is played"


def test_a_first_recording_that_was_interrupted_is_recorded_again(server: OpenAIChatServer, out: Path) -> None:
    assert recorded(server.origin, out, "StoryFlow", on_text=interrupted).written
    notes: list[str] = []
    assert recorded(server.origin, out, "StoryFlow", on_note=notes.append).error is None
    assert "is of a run that was interrupted, so it is recorded again" in notes[0]


def test_a_recorded_refusal_is_played(server: OpenAIChatServer, out: Path) -> None:
    recorded(server.origin, out, "scenario", inputs={"name": "bad_key"})
    assert not recorded(NOBODY, out, "scenario", inputs={"name": "bad_key"}).written


def test_what_the_scan_refuses_is_kept_and_can_be_looked_at_and_accepted(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(server.origin, out)
    before = contents(out)

    def found(paths: list[Path], **options: Any) -> list[Finding]:
        return [
            Finding(paths[0], "secret", "interactions[0]", "holds what looks like a secret"),
            Finding(paths[0], "age", "", "is old"),
        ]

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[record.__module__], "scan", found)
        with pytest.raises(UnsafeRecordingError) as refused:
            recorded(server.origin, out, "StoryFlow", mode="all")
    (aside,) = asides_of(out)
    assert aside.mark == "refused"
    assert contents(out) == before
    assert f"It is kept in '{aside.path}'" in str(refused.value)
    assert "secret at interactions[0]: holds what looks like a secret; age: is old. It is" in str(refused.value)
    assert f"harness record --accept -o {out}" in str(refused.value)
    assert replay_recording(aside.path).problems == []
    now = datetime.fromisoformat("2026-01-05T12:00:00Z")
    assert scan([aside.path], now=now) == []
    (told,) = scan([out.parent], now=now)
    assert (told.path, told.kind) == (aside.path, "orphan")
    assert accept(out).aside == aside.path
    assert replay_recording(out).sessions[0].result != HARBOUR_TEXT


def test_of_two_recorders_at_once_the_second_stands_aside(server: OpenAIChatServer, out: Path) -> None:
    """One begins while the other streams, and is done first."""
    others: list[Recorded] = []
    notes: list[str] = []

    def meanwhile(text: str) -> None:
        if not others:
            other = threading.Thread(target=lambda: others.append(recorded(server.origin, out, "StoryFlow")))
            other.start()
            other.join(60)

    done = recorded(server.origin, out, on_text=meanwhile, on_note=notes.append)
    assert [other.written for other in others] == [True]
    assert (done.written, done.error, kept(out)) == (False, None, ["second"])
    assert "another process has recorded it in the meantime" in notes[0]
    for folder in (out, done.aside):
        assert folder is not None
        assert_green(replay_recording(folder))


def test_who_can_not_show_the_text_records_it_all_the_same(server: OpenAIChatServer, out: Path) -> None:
    notes: list[str] = []

    def unshown(text: str) -> None:
        raise UnicodeEncodeError("ascii", text, 0, 1, "ordinal not in range(128)")

    done = recorded(server.origin, out, on_text=unshown, on_note=notes.append)
    assert (done.written, done.error) == (True, None)
    (note,) = notes
    assert note.startswith("the text is no longer shown: UnicodeEncodeError")


def test_an_error_of_the_recorders_own_is_not_the_runs(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(server.origin, out)
    before = contents(out)
    add = FrameLines.add

    def broken(lines: FrameLines, frame: Any) -> bytes:
        if frame.type == "llm_call_completed":
            raise ZeroDivisionError("of the redactor's")
        return add(lines, frame)

    notes: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(FrameLines, "add", broken)
        with pytest.raises(RecordingError, match="the recorder failed, and stopped the run: ZeroDivisionError: of the"):
            recorded(server.origin, out, "StoryFlow", mode="all", on_note=notes.append)
    assert (contents(out), kept(out)) == (before, ["failed"])
    assert "what was recorded until then is kept in" in notes[-1]


def test_a_full_disk_is_not_the_runs_fault_and_costs_no_recording(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(server.origin, out)
    before = contents(out)
    ended = threading.Event()
    write = os.fdopen

    def full(*args: Any, **options: Any) -> Any:
        if ended.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*args, **options)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(RecordingError, match="No space left on device") as refused:
        recorded(server.origin, out, mode="all", on_text=lambda text: ended.set())
    assert contents(out) == before
    for note in getattr(refused.value, "__notes__", ()):
        assert Path(note.removeprefix("what was recorded is in ")).exists()


def test_while_the_disk_is_full_the_run_goes_on_and_what_fits_at_the_end_is_whole(
    server: OpenAIChatServer, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if mode == "ab":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        assert recorded(server.origin, out).error is None
    assert_green(replay_recording(out))


KILLS = 200


@pytest.mark.parametrize("work", ["record", "update"])
@pytest.mark.parametrize(
    ("target", "kills"),
    [
        ("GreetingFlow", 8),
        ("greeting_crew", 5),
        pytest.param("GreetingFlow", KILLS, marks=pytest.mark.slow),
        pytest.param("greeting_crew", KILLS, marks=pytest.mark.slow),
    ],
)
def test_a_kill_at_any_step_leaves_the_old_recording_or_the_new_one_and_the_next_command_works(
    target: str, kills: int, work: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.recording.support.killed", work, target, str(kills), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bad"] == []
    assert report["killed"] == kills
    assert report["left"]["old"] > 0
    # The very last steps only clean up.
    assert report["left"]["new"] > 0
