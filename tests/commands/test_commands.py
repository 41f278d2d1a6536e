"""The command line: exit codes, what is said and where, the JSON documents, and what an interrupt leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.run import replay as replaying
from harness.recording import Target, record
from harness.shipped import shipped_recording
from tests.commands.command_line import Run, runner
from tests.recording.subjects import KEY
from tests.servers.openai_chat import OpenAIChatServer
from tests.servers.openai_chat_scenarios import HARBOUR_TEXT, SCENARIOS

SUBJECTS = "tests.recording.subjects"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of one call, not to be changed."""
    root = tmp_path_factory.mktemp("cli")
    with OpenAIChatServer() as server:
        record(Target(f"{SUBJECTS}:text"), root / "text", base_url=server.origin)
    return root / "text"


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "text"))


ALIASES = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    + ["interactions: *a11", "version: 1"]
)


def later_version(content: bytes) -> bytes:
    if content.startswith(b"version: 1"):
        return content.replace(b"version: 1", b"version: 7", 1)
    return re.sub(rb"harness\.(recording|frames)/1", rb"harness.\1/7", content, count=1)


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda content: None,
    "empty": lambda content: b"",
    "half-written": lambda content: content[: len(content) // 2 + 7],
    "later version": later_version,
    "binary": lambda content: b"\x89PNG\r\n\x1a\n\x00\x00\xff" + content[:40],
    "aliases without end": lambda content: ALIASES.encode(),
}
FILES = ("recording.json", "frames.jsonl", "cassette.yaml")


def damaged(folder: Path, name: str, damage: str) -> None:
    content = DAMAGES[damage]((folder / name).read_bytes())
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_recording_that_can_not_be_read_ends_with_2_and_says_what_to_do(
    damage: str, name: str, copy: Path, run: Run
) -> None:
    damaged(copy, name, damage)
    said = run("replay", copy)
    assert said.code == 2, said.out
    assert said.out.startswith("error")
    assert name in said.out
    # What was expected, or what to do next.
    assert re.search(r"expected|record it |update |a later one|not written to its end|is a folder with", said.out), (
        said.out
    )
    assert "Traceback" not in said.out + said.err
    assert "1 error" in said.out


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_plain_cassette_that_can_not_be_read_ends_with_2(damage: str, copy: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "plain.yaml"
    shutil.copy(copy / "cassette.yaml", path)
    damaged(tmp_path, "plain.yaml", damage)
    for said in (run("replay", path), run("show", path), run("diff", path, copy)):
        assert said.code == 2
        assert "plain.yaml" in said.out + said.err


@pytest.mark.parametrize("name", ["recording.json", "frames.jsonl"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_show_and_diff_of_what_can_not_be_read_end_with_2(
    damage: str, name: str, copy: Path, recorded: Path, run: Run
) -> None:
    damaged(copy, name, damage)
    for said in (run("show", copy), run("diff", copy, recorded), run("diff", recorded, copy)):
        assert said.code == 2, said.out
        assert said.err.startswith("error: ")
        assert name in said.err
        assert len(said.err.splitlines()) == 1


def test_an_unreadable_file_among_good_ones_ends_with_2_and_the_good_ones_are_judged(
    recorded: Path, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "empty.yaml").touch()
    said = run("replay", recorded, tmp_path)
    assert said.code == 2
    assert "1 passed, 0 failed, 1 error" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay", "no/such/path"], "'no/such/path' does not exist"),
        (["show", "no/such/path"], "'no/such/path' does not exist"),
        (["diff", "no/such/path", "none"], "'no/such/path' does not exist"),
        (["replay", "--speed", "0"], "--speed"),
        (["replay", "-n", "0"], "--workers"),
        (["record", "x:y"], "--output"),
        (["record", "x:y", "-o", "out", "--input", "topic"], "expected K=JSON"),
        (["record", "x:y", "-o", "out", "--input", "topic=tides"], "is not JSON"),
        (["record", "x:y", "-o", "out", "--mode", "sometimes"], "--mode"),
        (["record", "-o", "out"], "Missing argument 'TARGET'"),
        (["record", "--accept", "-o", "out"], "nothing is kept aside of 'out'"),
        (["record", f"{SUBJECTS}:text", "-o", "."], "'.' is the folder that you are in"),
        (["record", f"{SUBJECTS}:text", "-o", "/"], "'/' is the folder that you are in, or one around it"),
        (["record", f"{SUBJECTS}:text", "-o", os.devnull], f"'{os.devnull}' is no folder"),
        (["record", "no_such_module:y", "-o", "out"], "module 'no_such_module' can't be imported"),
        (["record", "nonsense", "-o", "out"], "expected package.module:attribute"),
        (["record", f"{SUBJECTS}:text", "-o", "out", "--mode", "none"], "mode none plays what is recorded"),
        (["record", f"{SUBJECTS}:text", "-o", "out", "--base-url", "here"], "base URL is 'here'; it must be absolute"),
        (["show"], "PATH"),
        (["dance"], "dance"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_says_what_was_expected(
    arguments: list[str], told: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*arguments)
    assert said.code == 2
    assert told in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_check_ends_with_2(tmp_path: Path, run: Run) -> None:
    assert run("replay", tmp_path).code == 2
    (tmp_path / "trace.yaml").write_text(
        "version: 1\ninteractions:\n- request: {method: POST, uri: 'https://traces.example.com/b', headers: {}, body: ''}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: ''}}\n"
    )
    said = run("replay", tmp_path)
    assert said.code == 2
    assert "not-a-call" in said.out
    assert "POST traces.example.com/b is no call to a model" in said.out


def edit_frame(copy: Path) -> None:
    path = copy / "frames.jsonl"
    path.write_text(path.read_text().replace('"chunk":" harbour"', '"chunk":" haven"', 1))


def drop_frame(copy: Path) -> None:
    path = copy / "frames.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def edit_chunk(copy: Path) -> None:
    path = copy / "cassette.yaml"
    path.write_text(path.read_text().replace('{"content":" harbour"}', '{"content":" haven!!"}', 1))


def edit_request(copy: Path) -> None:
    path = copy / "cassette.yaml"
    path.write_text(path.read_text().replace("How is the harbour tonight?", "How is the harbour today??"))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (edit_frame, 'data.chunk: recorded " haven", now " harbour"'),
        (drop_frame, "llm_call_completed was not there before"),
        (edit_chunk, 'data.chunk: recorded " harbour", now " haven!!"'),
        (edit_request, "body differs at messages[0].content"),
    ],
)
def test_what_differs_ends_with_1_and_says_where(edit: Callable[[Path], None], told: str, copy: Path, run: Run) -> None:
    before = {name: (copy / name).read_bytes() for name in FILES}
    edit(copy)
    assert {name: (copy / name).read_bytes() for name in FILES} != before
    said = run("replay", copy)
    assert said.code == 1
    assert told in said.out
    assert "0 passed, 1 failed, 0 errors" in said.out


def test_update_writes_the_frames_that_come_now(copy: Path, recorded: Path, run: Run) -> None:
    edit_frame(copy)
    updated = run("replay", copy, "--update")
    assert updated.code == 0
    assert "changed" in updated.out
    assert run("replay", copy).code == 0
    assert run("diff", copy, recorded).code == 0


RESULT_KEYS = {
    "path", "kind", "interaction", "provider", "streamed", "status", "frames", "text", "tool_calls", "usage",
    "finish_reason", "violations", "diff", "message",
}  # fmt: skip


def test_replay_as_json_is_alone_on_stdout_and_as_documented(recorded: Path, run: Run) -> None:
    said = run("replay", recorded, recorded / "cassette.yaml", "--json", "-")
    assert said.code == 0
    assert said.document["format"] == "harness.replay/1"
    assert set(said.document) == {"format", "summary", "results"}
    assert set(said.document["summary"]) == {
        "files", "interactions", "passed", "failed", "errors", "not_a_call", "seconds"
    }  # fmt: skip
    assert [set(result) for result in said.document["results"]] == [RESULT_KEYS, RESULT_KEYS]
    assert [(result["kind"], result["status"], result["text"]) for result in said.document["results"]] == [
        ("recording", "passed", HARBOUR_TEXT), ("cassette", "passed", HARBOUR_TEXT)
    ]  # fmt: skip
    assert "2 passed" in said.err


def test_show_as_json_holds_the_frames(recorded: Path, run: Run) -> None:
    said = run("show", recorded, "--json", "-")
    assert said.code == 0
    assert said.document["format"] == "harness.show/1"
    (timeline,) = said.document["timelines"]
    assert set(timeline) == {"path", "interaction", "frames"}
    assert [frame["seq"] for frame in timeline["frames"]] == list(range(1, 15))


def test_diff_as_json_holds_the_differences(copy: Path, recorded: Path, run: Run) -> None:
    assert run("diff", recorded, recorded, "--json", "-").document == {
        "format": "harness.diff/1", "equal": True, "frames": [14, 14], "differences": []
    }  # fmt: skip
    edit_frame(copy)
    said = run("diff", recorded, copy, "--json", "-")
    assert said.code == 1
    assert said.document["equal"] is False
    assert [set(one) for one in said.document["differences"]] == [{"kind", "where", "seqs", "message"}]


def test_json_goes_into_a_file_too(recorded: Path, tmp_path: Path, run: Run) -> None:
    said = run("replay", recorded, "--json", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["summary"]["passed"] == 1
    assert "1 passed" in said.out


def test_reports_are_written_beside(recorded: Path, tmp_path: Path, run: Run) -> None:
    said = run("replay", recorded, "--junit", tmp_path / "junit.xml", "--html", tmp_path / "html")
    assert said.code == 0
    assert str(recorded) in (tmp_path / "junit.xml").read_text()
    assert [path.name for path in (tmp_path / "html").iterdir()]


def test_two_workers_say_the_same(recorded: Path, run: Run) -> None:
    arguments = ["replay", recorded, recorded / "cassette.yaml", "--json", "-"]
    one, two = run(*arguments).document, run(*arguments, "-n", "2").document
    assert one["results"] == two["results"]


def test_without_a_path_the_folder_here_is_replayed_and_else_the_shipped_recordings(
    recorded: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[Path]] = []

    def ask(subjects: list[Path], **options: Any) -> list[Any]:
        asked.append(subjects)
        return []

    monkeypatch.setattr(replaying, "replay_all", ask)
    monkeypatch.chdir(tmp_path)
    run("replay")
    assert shipped_recording("openai/text") in asked[0]
    shutil.copytree(recorded, tmp_path / "cassettes" / "mine")
    run("replay")
    assert asked[1] == [Path("cassettes/mine")]


def test_show_has_a_lane_for_each_channel_that_is_there(recorded: Path, run: Run) -> None:
    said = run("show", recorded)
    assert said.code == 0
    title, header, *rows = said.out.splitlines()
    assert title.startswith(f"{recorded}: {SUBJECTS}:text, completed, recorded ")
    assert header.split() == ["seq", "ms", "llm", "frame"]
    assert rows[0].split()[0] == "1"
    assert 'llm_stream_chunk " harbour"' in said.out


def test_show_of_some_channels_shows_those(recorded: Path, run: Run) -> None:
    assert run("show", recorded, "--channel", "llm").code == 0
    said = run("show", recorded, "--channel", "tools")
    assert said.code == 2, "nothing is shown"


def test_diff_shows_what_changed_and_how_much(copy: Path, recorded: Path, run: Run) -> None:
    same = run("diff", recorded, copy)
    assert (same.code, same.out) == (0, "equal: 14 and 14 frames\n")
    edit_frame(copy)
    said = run("diff", recorded, copy)
    assert said.code == 1
    assert re.match(r"changed +#\d+ +#\d+  llm_call gpt-4o-mini / llm_stream_chunk", said.out)
    assert said.out.endswith("1 difference: 14 and 14 frames\n")


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
    assert (other.code, "is a recording of 'tests.recording.subjects:FailingFlow'" in other.err) == (2, True)
    accepted = run("record", "--accept", "-o", out, "--json", "-")
    assert accepted.code == 0
    assert (accepted.document["aside"], accepted.document["written"]) == (str(aside), True)
    assert list(tmp_path.iterdir()) == [out]
    again = run("record", "--accept", "-o", out)
    assert (again.code, "there is nothing to accept" in again.err) == (2, True)


def test_record_as_json_is_alone_on_stdout(tmp_path: Path, run: Run) -> None:
    prompt = json.dumps(SCENARIOS["unicode"].prompt)
    with OpenAIChatServer() as server:
        said = run(
            "record", f"{SUBJECTS}:text", "--input", f"prompt={prompt}", "--origin", "authored",
            "--base-url", server.origin, "-o", tmp_path / "out", "--json", "-",
        )  # fmt: skip
    document = said.document
    assert set(document) == {
        "format",
        "path",
        "written",
        "aside",
        "check",
        "frames",
        "interactions",
        "status",
        "error",
        "recording",
    }
    assert (document["format"], document["written"], document["status"]) == ("harness.record/1", True, "completed")
    assert document["recording"]["inputs"] == {"prompt": SCENARIOS["unicode"].prompt}
    assert document["recording"]["origin"] == "authored"
    assert "Århus" in said.err


@pytest.mark.parametrize(
    ("attribute", "told"),
    [("FailingFlow", "the run failed: ValueError: no boat has come home")],
)
def test_a_run_that_fails_is_recorded_and_ends_with_1(attribute: str, told: str, tmp_path: Path, run: Run) -> None:
    with OpenAIChatServer() as server:
        said = run("record", f"{SUBJECTS}:{attribute}", "--base-url", server.origin, "-o", tmp_path / "out")
    assert said.code == 1
    assert told in said.err
    assert run("replay", tmp_path / "out").code == 0


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


def test_scan_finds_a_planted_key_and_never_prints_it(copy: Path, run: Run) -> None:
    assert run("scan", copy).code == 0
    path = copy / "cassette.yaml"
    path.write_text(path.read_text().replace("How is the harbour tonight?", f"My key is {KEY}"))
    told, document = run("scan", copy), run("scan", copy, "--json", "-")
    for said in (told, document):
        assert said.code == 1
        assert "secret" in said.out
        assert KEY not in said.out + said.err
    assert {"path", "kind", "where", "message"} == set(document.document["findings"][0])


@pytest.mark.parametrize("damage", ["half-written", "later version"])
def test_scan_of_what_can_not_be_read_ends_with_2(damage: str, copy: Path, run: Run) -> None:
    damaged(copy, "recording.json", damage)
    assert run("scan", copy).code == 2


@pytest.mark.parametrize(
    "command", [[], ["record"], ["replay"], ["show"], ["diff"], ["export"], ["scan"]], ids=" ".join
)
def test_every_command_has_help_with_an_example(command: list[str], run: Run) -> None:
    said = run(*command, "--help")
    assert said.code == 0
    if command:
        assert f"harness {command[0]} " in said.out.partition("Example:")[2]
        assert f'"harness.{command[0]}/1"' in said.out
        assert "--json" in said.out


def test_an_interrupt_ends_with_130_and_leaves_no_report(
    recorded: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(replaying, "replay_all", interrupted)
    said = run("replay", recorded, "--json", tmp_path / "report.json", "--junit", tmp_path / "junit.xml")
    assert (said.code, said.err.strip()) == (130, "interrupted")
    assert list(tmp_path.iterdir()) == []


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "FORCE_", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def test_ctrl_c_while_the_provider_thinks_ends_with_130_and_a_recording_that_replays(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    with OpenAIChatServer() as server:
        command = [
            sys.executable,
            "-m",
            "harness",
            "record",
            f"{SUBJECTS}:three_calls",
            "--input",
            'last="blocked_head"',
        ]
        recorder = subprocess.Popen(
            [*command, "--base-url", server.origin, "-o", str(out)],
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


@pytest.mark.parametrize(
    ("variables", "in_a_terminal", "coloured"),
    [({}, False, False), ({}, True, True), ({"NO_COLOR": "1"}, True, False)],
    ids=["piped", "terminal", "NO_COLOR"],
)
def test_there_is_colour_only_where_it_is_wanted(
    variables: dict[str, str], in_a_terminal: bool, coloured: bool, recorded: Path
) -> None:
    command = [sys.executable, "-m", "harness", "replay", str(recorded)]
    variables = environment(TERM="xterm-256color", **variables)
    if in_a_terminal:
        ours, theirs = os.openpty()
        done = subprocess.run(command, env=variables, cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, check=True)
        os.close(theirs)
        out = os.read(ours, 65536).decode()
        os.close(ours)
    else:
        done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, check=True)
        out = done.stdout.decode()
        assert "\x1b" not in out
    assert "1 passed" in out
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", out)) is coloured
    assert done.stderr == b""


def test_a_reader_that_leaves_is_no_error(recorded: Path) -> None:
    shown = subprocess.Popen(
        [sys.executable, "-m", "harness", "show", str(recorded)],
        env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert shown.stdout is not None
    assert shown.stderr is not None
    shown.stdout.close()
    err = shown.stderr.read()
    shown.stderr.close()
    assert (shown.wait(30), err) == (0, b"")


def test_a_cassette_stays_readable_by_plain_tools(recorded: Path) -> None:
    (interaction,) = yaml.safe_load((recorded / "cassette.yaml").read_text())["interactions"]
    assert interaction["request"]["method"] == "POST"
