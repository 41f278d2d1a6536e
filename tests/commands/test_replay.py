"""`harness replay`: what differs, what it updates, its JSON document and its reports."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.run import replay as replaying
from harness.shipped import shipped_recording
from tests.commands.command_line import Run
from tests.commands.recordings import FILES, edit_frame
from tests.recording.support.loopback import loopback
from tests.recording.transports.test_together import text_stream
from tests.servers.openai.chat_scenarios import HARBOUR_TEXT
from tests.warm import WarmPython


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


def test_an_interrupt_ends_with_130_and_leaves_no_report(
    recorded: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(replaying, "replay_all", interrupted)
    said = run("replay", recorded, "--json", tmp_path / "report.json", "--junit", tmp_path / "junit.xml")
    assert (said.code, said.err.strip()) == (130, "interrupted")
    assert list(tmp_path.iterdir()) == []


#: Asks once more when its process ends, as what sends telemetry does.
LEAVING = """
import atexit
from urllib.request import urlopen
from harness import Flow, start

class LeavingFlow(Flow):
    @start()
    def leave(self):
        atexit.register(lambda: urlopen("{}/left").close())
"""


def test_what_a_run_leaves_for_the_end_of_the_process_reaches_no_network_where_it_is_played(
    tmp_path: Path, warm_python: WarmPython
) -> None:
    with loopback(text_stream) as server, (tmp_path / "said").open("wb") as said:
        (tmp_path / "leaving.py").write_text(LEAVING.format(server.url))
        recording = ["record", "leaving:LeavingFlow", "-o", "left"]
        for arguments in (recording, ["replay", "left"], recording):
            assert warm_python.run("harness", *arguments, stdout=said, stderr=said, cwd=tmp_path) == 0
            assert len(server.exchanges) == 1
