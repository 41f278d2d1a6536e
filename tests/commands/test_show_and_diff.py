"""`harness show` and `harness diff`: lanes, changes, and their JSON documents."""

from __future__ import annotations

import re
from pathlib import Path

from tests.commands.command_line import ROOT, Run
from tests.commands.recordings import SUBJECTS, edit_frame


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


def test_show_has_a_lane_for_each_channel_that_is_there(recorded: Path, run: Run) -> None:
    said = run("show", recorded)
    assert said.code == 0
    title, header, *rows = said.out.splitlines()
    assert title.startswith(f"{recorded}: {SUBJECTS}:text, completed, recorded ")
    assert header.split() == ["seq", "ms", "llm", "frame"]
    assert rows[0].split()[0] == "1"
    assert 'llm_stream_chunk " harbour"' in said.out


def test_show_names_crews_tasks_and_agents_and_tells_what_they_came_to(run: Run) -> None:
    rows = run("show", ROOT / "examples" / "recordings" / "research").out.splitlines()
    told = [row.partition("●")[2].strip(" ·") for row in (rows[i + 1] for i in (3, 4, 5, 6, 49, 50))]
    assert told == [
        'crew_kickoff_started crew {"harbours": "Bergen and Narvik"}',
        "task_started research",
        "agent_execution_started Scout",
        "llm_call_started gpt-4o-mini",
        'task_completed research "Bergen: 06:10 and 18:35. Narvik: 07:40 and 20:05."',
        'crew_kickoff_completed crew "Bergen: 06:10 and 18:35. Narvik: 07:40 and 20:05."',
    ]


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
