"""`harness show` and `harness diff`: lanes, changes, and their JSON documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands.command_line import Run
from tests.commands.recordings import SUBJECTS, edit_frame
from tests.optional import of_checkout


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


@pytest.mark.parametrize(
    ("recording", "told"),
    [
        (
            "research",
            {
                3: 'crew_kickoff_started crew {"harbours": "Bergen and Narvik"}',
                4: "task_started research",
                5: "agent_execution_started Scout",
                6: "llm_call_started gpt-4o-mini",
                49: 'task_completed research "Bergen: 06:10 and 18:35. Narvik: 07:40 and 20:05."',
                50: 'crew_kickoff_completed crew "Bergen: 06:10 and 18:35. Narvik: 07:40 and 20:05."',
            },
        ),
        (
            "chat",
            {
                3: 'conversation_message_added user "Hello, who keeps the light?"',
                7: "conversation_route_selected converse",
                21: 'conversation_message_added assistant "I do, every night since the spring."',
            },
        ),
        ("approval", {32: 'human_feedback_received draft "Make it shorter."'}),
    ],
)
def test_show_names_what_a_frame_is_of_and_tells_what_it_says(recording: str, told: dict[int, str], run: Run) -> None:
    rows = run("show", of_checkout(f"examples/recordings/{recording}")).out.splitlines()[1:]
    assert {seq: rows[seq].partition("●")[2].strip(" ·") for seq in told} == told


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
