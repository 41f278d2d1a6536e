"""The recordings through litellm: they replay, and cut or split wherever they can be they show what came, and no more."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.run.replay import found, replay
from harness.llm.credentials import no_credentials_needed
from harness.recording.comparison.normal import Normalizer
from harness.recording.faults.cuts import cut_points
from harness.recording.faults.dialects import is_stream
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import load_recording
from harness.recording.tape.tape import network_guard, playing
from harness.recording.target import Target
from harness.recording.wire import Interaction, WireResponse
from tests.authoring import OF_LITELLM
from tests.optional import needs
from tests.recording.faults.cutting import check_cuts, check_split
from tests.recording.support.remade import Run
from tests.recording.support.told import failure_told

needs("litellm", "the extra `litellm` is not installed; it can't stand beside `openai`")

# What litellm keeps open is its own; the garbage collector finds it in any later test.
pytestmark = pytest.mark.filterwarnings("ignore")

RECORDINGS = found([Path(__file__).parent / "recordings"])
every_recording = pytest.mark.parametrize("path", RECORDINGS, ids=[path.name for path in RECORDINGS])


class Again:
    """A recording of one streamed call, played to its target against any response."""

    def __init__(self, path: Path) -> None:
        (self.interaction,) = read_cassette(path / "cassette.yaml")
        self._target = Target(load_recording(path).target)

    def against(self, *responses: WireResponse) -> Run:
        attempts = tuple(replace(self.interaction, response=response) for response in responses)
        error: BaseException | None = None
        normalizer = Normalizer()
        frames = []
        with network_guard(), no_credentials_needed(), playing(Path("again.yaml"), attempts):
            (session,) = self._target.sessions()
            try:
                for frame in session:
                    frames.append(_without_times(normalizer.frame(frame)))
            except Exception as raised:
                error = raised
        return Run(frames, error)

    @cached_property
    def whole(self) -> Run:
        return self.against(self.interaction.response)


def _without_times(frame: dict[str, Any]) -> dict[str, Any]:
    times = {"timestamp", "started_at", "finished_at"}
    data = {name: value for name, value in frame["data"].items() if name not in times}
    return {name: value for name, value in frame.items() if name not in times} | {"data": data}


def cuts(interaction: Interaction) -> tuple[int, ...]:
    """Return where a stream can be cut: before its last event, `[DONE]`, and where litellm reads it, before its reason.

    That last event litellm shows of a stream that it reads through an SDK alone.
    """
    points = cut_points(interaction.response)
    if "api.openai.com" in interaction.request.url:
        return points
    reason = re.search(rb'"finish_reason":"', interaction.response.body)
    assert reason is not None
    return tuple(point for point in points if point <= reason.start())


STREAMS = [
    pytest.param(path, id=path.name)
    for path in RECORDINGS
    if any(is_stream(one.response) for one in read_cassette(path / "cassette.yaml"))
]


def test_there_is_a_recording_of_each_kind_of_answer() -> None:
    assert {path.name for path in RECORDINGS} == {row.folder.name for row in OF_LITELLM}


@every_recording
def test_it_replays_green(path: Path) -> None:
    outcome = load_recording(path).outcome
    assert outcome is not None
    told = [(result.status, failure_told(result.message)) for result in replay(path)]
    assert told == [("passed", outcome.error_type)]


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("how", ["end", "cut", "reset"])
def test_a_cut_at_any_chunk_is_a_typed_failure_after_the_frames_that_came(path: Path, how: str) -> None:
    stream = Again(path)
    points = cuts(stream.interaction)
    assert points
    check_cuts(stream, how, points)


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("lengths", [[1], [3, 1, 7], [10_000_000]], ids=["bytes", "pieces", "at once"])
def test_however_the_bytes_are_split_the_frames_are_the_same(path: Path, lengths: list[int]) -> None:
    check_split(Again(path), lengths)
