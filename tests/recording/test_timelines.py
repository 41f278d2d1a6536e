"""Timelines to look at: from recordings, frames files and cassettes, as rows, as JSON, and side by side."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.errors import UnreadableRecordingError
from harness.recording import Target, record
from harness.recording.files.frames_file import dump_frames
from harness.recording.timelines import compared, timelines_of
from tests.recording.support.timelines import Row, chunk, flow, flow_end, frames_of, method, method_end
from tests.servers.openai.chat import OpenAIChatServer


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("timelines") / "story"
    with OpenAIChatServer() as server:
        record(Target("tests.recording.support.subjects:StoryFlow"), out, base_url=server.origin)
    return out


@pytest.fixture
def frames_file(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_bytes(
        dump_frames(frames_of(flow(), method("a"), chunk("a", "long " * 40), method_end("a", [1]), flow_end("z")))
    )
    return path


def test_a_frames_file_reads_as_rows_indented_by_scope(frames_file: Path) -> None:
    (timeline,) = timelines_of(frames_file)
    assert [(row.seq, row.offset_ms, row.channel, row.text) for row in timeline.rows()] == [
        (1, 0.0, "flow", "flow_started Plan"),
        (2, 1.0, "flow", "  method_execution_started a"),
        (3, 2.0, "llm", '    llm_stream_chunk "' + ("long " * 40)[:99] + "…"),
        (4, 3.0, "flow", "  method_execution_finished a [1]"),
        (5, 4.0, "flow", 'flow_finished Plan "z"'),
    ]


def test_a_row_of_an_event_of_ones_own_has_its_fields(tmp_path: Path) -> None:
    rows: tuple[Row, ...] = (
        ("1", "tide_read", None, {"metres": 1.4, "note": None, "at": {"place": "Bergen"}, "agent_id": "a1"}),
        ("2", "ping", None, {}),
    )
    (tmp_path / "run.jsonl").write_bytes(dump_frames(frames_of(*rows)))
    (timeline,) = timelines_of(tmp_path / "run.jsonl")
    assert [row.text for row in timeline.rows()] == ['tide_read {"at": {"place": "Bergen"}, "metres": 1.4}', "ping"]


def test_a_recording_is_one_timeline_with_its_story_as_title(story: Path) -> None:
    (timeline,) = timelines_of(story)
    assert timeline.title.startswith(f"{story}: tests.recording.support.subjects:StoryFlow, completed, recorded 20")
    assert timeline.title.endswith("(live)")
    assert timeline.frames[0].type == "flow_started"


def test_each_call_of_a_cassette_is_a_timeline(story: Path) -> None:
    timelines = timelines_of(story / "cassette.yaml")
    assert [timeline.interaction for timeline in timelines] == [1, 2]
    assert timelines[0].title == f"{story / 'cassette.yaml'} #1: openai"
    assert [timeline.frames[-1].type for timeline in timelines] == ["llm_call_completed"] * 2


def test_channels_can_be_chosen(story: Path) -> None:
    (timeline,) = timelines_of(story)
    assert timeline.only([]) is timeline
    assert {frame.channel for frame in timeline.only(["flow"]).frames} == {"flow"}
    assert timeline.only(["tools"]).frames == []


def test_the_json_form_is_the_frames(story: Path) -> None:
    (timeline,) = timelines_of(story)
    document = timeline.document()
    assert (document["path"], document["interaction"]) == (str(story), None)
    assert json.loads(json.dumps(document["frames"]))[0]["type"] == "flow_started"
    assert set(document["frames"][0]) == {
        "id", "seq", "type", "channel", "namespace", "timestamp", "parent_id", "previous_id", "data"
    }  # fmt: skip


def test_a_partial_recording_can_be_looked_at(story: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(story, tmp_path / "story"))
    said = json.loads((folder / "recording.json").read_text())
    (folder / "recording.json").write_text(json.dumps({**said, "status": "partial", "outcome": None}))
    (timeline,) = timelines_of(folder)
    assert ", partial, " in timeline.title


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "does not exist; expected a recording, a frames file, a stream of AG-UI events, or a cassette"),
        ("", "is a folder, but no recording: it has no recording.json; there is none below it"),
        ("empty.jsonl", "is empty"),
        ("empty.yaml", "empty.yaml"),
    ],
)
def test_where_no_timeline_is_the_error_says_what_was_expected(name: str, message: str, tmp_path: Path) -> None:
    if "." in name:
        (tmp_path / name).touch()
    with pytest.raises(UnreadableRecordingError, match=message):
        timelines_of(tmp_path / name)


def test_a_link_to_a_folder_of_recordings_names_one_of_those_in_it(story: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(story.parent)
    with pytest.raises(UnreadableRecordingError, match=f"such as '{re.escape(str(link / story.name))}'"):
        timelines_of(link)


def test_the_same_run_is_equal_wherever_it_is_kept(story: Path, tmp_path: Path) -> None:
    shutil.copy(story / "frames.jsonl", tmp_path / "run.jsonl")
    count = len(timelines_of(story)[0].frames)
    assert compared(story, tmp_path / "run.jsonl") == ((count, count), [])
    assert compared(story / "cassette.yaml", story / "cassette.yaml").differences == []


def test_calls_of_cassettes_are_compared_one_by_one(story: Path, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text((story / "cassette.yaml").read_text().replace('"content":"At"', '"content":"By"'))
    assert [one.kind for one in compared(story / "cassette.yaml", path).differences] == ["changed", "changed"]


def test_what_has_no_counterpart_is_missing_or_added(frames_file: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(dump_frames([]))
    assert [one.kind for one in compared(frames_file, empty).differences] == ["missing"]
    assert [one.kind for one in compared(empty, frames_file).differences] == ["added"]
    assert compared(frames_file, empty).frames == (5, 0)
