"""`harness record`: what is streamed, written, kept aside and left alone, and what an interrupt leaves."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.command_line import ROOT, Run, environment
from tests.commands.recordings import FILES, SUBJECTS
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import HARBOUR_TEXT, SCENARIOS


def test_record_streams_the_text_and_says_what_was_written(tmp_path: Path, run: Run) -> None:
    with OpenAIChatServer() as server:
        said = run("record", f"{SUBJECTS}:text", "--base-url", server.origin, "-o", tmp_path / "out")
    assert said.code == 0
    assert said.out == HARBOUR_TEXT + "\n"
    assert f"recorded 14 frames, 1 request: {tmp_path / 'out'}" in said.err
    assert run("replay", tmp_path / "out").code == 0


def test_a_recording_that_is_kept_aside_is_named_shown_and_accepted(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    with OpenAIChatServer() as server:
        command = ["record", "--base-url", server.origin, "-o", out]
        assert run(*command, f"{SUBJECTS}:text").code == 0
        failed = run(*command, f"{SUBJECTS}:FailingFlow", "--mode", "all")
    (aside,) = (path for path in tmp_path.iterdir() if path != out)
    assert failed.code == 1
    assert f"kept aside: 9 frames, 1 request: {aside}" in re.sub(r"\d+ frames", "9 frames", failed.err)
    assert f"publish it with harness record --accept -o {out}" in failed.err
    assert run("show", aside).code == 0
    assert run("replay", tmp_path, "--json", "-").document["summary"]["files"] == 1, (
        "what is kept aside is not replayed"
    )
    other = run("record", f"{SUBJECTS}:text", "--accept", "-o", out)
    assert (other.code, "is a recording of 'tests.recording.support.subjects:FailingFlow'" in other.err) == (2, True)
    accepted = run("record", "--accept", "-o", out, "--json", "-")
    assert accepted.code == 0
    assert (accepted.document["aside"], accepted.document["written"]) == (str(aside), True)
    assert list(tmp_path.iterdir()) == [out]
    again = run("record", "--accept", "-o", out)
    assert (again.code, "there is nothing to accept" in again.err) == (2, True)


def test_of_a_recording_that_the_scan_refuses_its_run_is_told_too(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    with OpenAIChatServer() as server:
        command = ["record", "--base-url", server.origin, "-o", out]
        assert run(*command, f"{SUBJECTS}:StoryFlow").code == 0
        refused = run(*command, f"{SUBJECTS}:FailingFlow", "--mode", "new", "--json", "-")
    (aside,) = (path for path in tmp_path.iterdir() if path != out)
    assert refused.code == 1
    assert re.search(r"the run failed: \w+: .+, at .+\n(.|\n)*error: '.+' was not written, .+ unplayed", refused.err)
    assert (refused.document["aside"], refused.document["written"]) == (str(aside), False)
    assert refused.document["status"] == "failed"


def test_record_as_json_is_alone_on_stdout(tmp_path: Path, run: Run) -> None:
    prompt = json.dumps(SCENARIOS["unicode"].prompt)
    with OpenAIChatServer() as server:
        said = run(
            "record", f"{SUBJECTS}:text", "--input", f"prompt={prompt}", "--origin", "authored",
            "--base-url", server.origin, "-o", tmp_path / "out", "--json", "-",
        )  # fmt: skip
    document = said.document
    assert set(document) == {
        "format", "path", "written", "aside", "check", "frames", "interactions", "status", "error", "recording",
    }  # fmt: skip
    assert (document["format"], document["written"], document["status"]) == ("harness.record/1", True, "completed")
    assert document["recording"]["inputs"] == {"prompt": SCENARIOS["unicode"].prompt}
    assert document["recording"]["origin"] == "authored"
    assert "Århus" in said.err


MUTE = """
from harness import Flow, start

class Mute(Exception):
    def __str__(self):
        raise ValueError

class Failing(Flow):
    @start()
    def fail(self):
        raise Mute
"""


@pytest.mark.parametrize(("end", "code"), [("", 1), ("raise Mute", 2)], ids=["in the run", "in the module"])
def test_an_error_that_can_not_say_what_it_is_is_told_by_its_name(
    end: str, code: int, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"mute{code}.py").write_text(MUTE + end)
    monkeypatch.syspath_prepend(tmp_path)
    said = run("record", f"mute{code}:Failing", "-o", tmp_path / "out", "--json", tmp_path / "report.json")
    assert said.code == code
    assert "Mute: <its text raised ValueError>" in said.err
    assert (tmp_path / "report.json").exists() is (code == 1)


def test_a_recording_that_stands_is_played_and_left_alone(copy: Path, run: Run) -> None:
    before = {name: (copy / name).read_bytes() for name in FILES}
    said = run("record", f"{SUBJECTS}:text", "-o", copy)
    assert said.code == 0
    assert "played what was recorded, and left it as it was:" in said.err
    assert {name: (copy / name).read_bytes() for name in FILES} == before


def test_a_folder_of_other_things_is_refused_with_2(tmp_path: Path, run: Run) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    said = run("record", f"{SUBJECTS}:text", "-o", tmp_path, "--mode", "all")
    assert said.code == 2
    assert "thesis.tex" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_ctrl_c_while_the_provider_thinks_ends_with_130_and_a_recording_that_replays(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    with OpenAIChatServer() as server:
        target = [f"{SUBJECTS}:three_calls", "--input", 'last="blocked_head"']
        recorder = subprocess.Popen(
            [sys.executable, "-m", "harness", "record", *target, "--base-url", server.origin, "-o", str(out)],
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.wait_for(lambda: server.held == 1, timeout_s=100)
        recorder.send_signal(signal.SIGINT)
        _, err = recorder.communicate(timeout=100)
        assert not server.hold.is_set()
    assert recorder.returncode == 130, err
    assert "Traceback" not in err
    assert sorted(path.name for path in out.iterdir()) == ["cassette.yaml", "frames.jsonl", "recording.json"]
    assert json.loads((out / "recording.json").read_text())["outcome"]["status"] == "cancelled"
    said = run("replay", out)
    assert said.code == 0, said.out
