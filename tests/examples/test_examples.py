"""Claims about `examples/`: each runs offline by its one command, and is recorded and replayed like anybody's program."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from examples.offline import RECORDINGS
from harness.recording.files.frames_file import load_frames
from harness.recording.record import record
from harness.recording.replay import replay_recording
from harness.recording.target import Target
from harness.recording.trust.gate import Trust
from tests.authoring import OF_EXAMPLES, Authored

#: What the last lines say, by the name of the recording.
RESULTS = {
    "report": "The moon pulls the sea twice a day",
    "pipeline": "Over a patient sea and under a loud wind the tall light turns.",
    "approval": "sent: The lighthouse is lit again.",
    "chat": "Conversation ended.",
    "research": "High water: Bergen 06:10 and 18:35, Narvik 07:40 and 20:05.",
    "dashboard": "Yes: the wind is fresh, and the light is lit.",
}
#: What is printed on the way.
ON_THE_WAY = {
    "report": ["[plan]", "1. The moon", "[write]"],
    "pipeline": ["[sea]", "[wind]", "[light]", "Westerly, damp", "[night]"],
    "approval": ["[draft]", "human: Make it shorter. -> revise", "human: Good, send it. -> approved", "[send]"],
    "chat": [
        "you: Hello, who keeps the light?",
        "to converse",
        "I do, every night",
        "to TIDES",
        "result: High water is at 14:20.",
        "to end",
    ],
    "research": [
        "[look_up]",
        "Scout, for research:",
        "tide_table{'harbour': 'Narvik'} gave 07:40 and 20:05",
        "[write]",
        "Writer, for draft:\nAt Bergen the water",
        "Editor, for edit:",
    ],
    "dashboard": [
        "│ wind │ completed │ Wind keeper │ 21 │ 143 │ wind_gauge │ The wind at the pier blows",
        "│ sea │ completed │ Sea keeper │ 12 │ 64 │ │ The sea is rough",
        "│ light │ completed │ Light keeper │ 9 │ 62 │ │ The light is lit",
        "│ decision │ completed │ Harbour master │ 13 │ 115 │ │ Yes: the wind",
        "│ all │ │ │ 55 │ 384 │",
    ],
}


def name_of(example: Authored) -> str:
    return example.folder.name


@pytest.mark.parametrize("example", OF_EXAMPLES, ids=name_of)
def test_an_example_runs_offline_by_one_command(
    example: Authored, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["example"])
    monkeypatch.setenv("COLUMNS", "200")
    module_name = example.target.partition(":")[0]
    # What `python -m` does with a module that has not been imported.
    runpy.run_path(str(RECORDINGS.parents[1] / f"{module_name.replace('.', '/')}.py"), run_name="__main__")
    shown = re.sub(" +", " ", capsys.readouterr().out)
    assert RESULTS[name_of(example)] in shown.rpartition("result: ")[2]
    assert [part for part in ON_THE_WAY[name_of(example)] if part not in shown] == []


@pytest.mark.parametrize("example", OF_EXAMPLES, ids=name_of)
def test_an_example_replays(example: Authored) -> None:
    replayed = replay_recording(example.folder, trust=Trust(("examples",)))
    assert (replayed.differences, replayed.problems, replayed.unplayed, replayed.error) == ([], [], [], None)
    assert len(replayed.sessions) == max(1, len(example.turns))
    assert str(replayed.sessions[-1].result).startswith(RESULTS[name_of(example)])


@pytest.mark.parametrize("example", OF_EXAMPLES, ids=name_of)
def test_an_example_is_recorded_anew_as_it_stands(
    example: Authored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "nobody")
    with example.server() as server:
        recorded = record(
            Target(example.target, turns=example.turns), tmp_path / "new", base_url=server.origin, origin="authored"
        )
    assert recorded.error is None
    new, old = (load_frames(folder / "frames.jsonl") for folder in (tmp_path / "new", example.folder))
    # Branches may have taken turns in another order.
    assert sorted(frame.type for frame in new) == sorted(frame.type for frame in old)


def test_every_recording_of_an_example_is_made_by_one() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} == {name_of(example) for example in OF_EXAMPLES}
