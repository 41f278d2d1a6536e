"""Timelines to look at and to compare, wherever they are kept: a recording, a frames file, AG-UI events, a plain cassette."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from harness.bridges import agui_frames
from harness.errors import UnreadableRecordingError
from harness.events.base import BaseEvent
from harness.frames.frame import StreamFrame
from harness.frames.stored import FrameLike
from harness.recording.calls.replay_calls import replay_cassette
from harness.recording.comparison.compare import Difference, compare_lines
from harness.recording.comparison.normal import offset_ms
from harness.recording.files.agui_file import is_agui, read_agui
from harness.recording.files.folder import FRAMES, Recording, is_recording, load_recording
from harness.recording.files.frames_file import dump_frames, frames_of, load_frames, read_lines
from harness.recording.files.walk import check_recording
from harness.recording.files.workplace import recover
from harness.recording.pack.access import at_hand
from harness.recording.redact.redaction import Redactor

#: Payload fields that say most about a frame, the first that is there.
_TELLING = ("chunk", "error", "response", "result", "output", "tool_args", "feedback", "message", "content", "inputs")
_LONGEST = 100
#: Under which a crew, an agent and a task are named.
_NAMES_OF_CREWS = ("crew_name", "agent_role", "task_name")
#: Payload fields that an event of any type has.
_COMMON = frozenset(BaseEvent.model_fields)


class Row(NamedTuple):
    """One frame as a person reads it."""

    seq: int
    offset_ms: float
    channel: str
    #: Indented by the depth of its scope.
    text: str


@dataclass(frozen=True)
class StoredTimeline:
    """One run's frames, normalised, and where they come from."""

    path: Path
    interaction: int | None
    frames: list[StreamFrame]
    title: str
    #: What it is the timeline of, where it is a recording's.
    recording: Recording | None = None

    def only(self, channels: Collection[str]) -> StoredTimeline:
        """Return the frames of some channels; all for none."""
        if not channels:
            return self
        return replace(self, frames=[frame for frame in self.frames if frame.channel in channels])

    def redacted(self) -> StoredTimeline:
        """Return it without credentials: who made it, and whether by the rules of today, nobody knows."""
        redactor = Redactor()
        frames = frames_of(_lines_of(self.frames, redactor), self.path)
        return replace(self, frames=frames, title=redactor.text(self.title))

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "path": Redactor().text(str(self.path)),
            "interaction": self.interaction,
            "frames": [frame.model_dump(mode="json") for frame in self.frames],
        }

    def rows(self) -> Iterator[Row]:
        """Return what to show of each frame."""
        depths: dict[str | None, int] = {None: 0}
        for frame in self.frames:
            depth = depths.get(frame.parent_id, 0)
            depths[frame.id] = depth + 1
            yield Row(frame.seq, offset_ms(frame.timestamp), frame.channel, "  " * depth + _summary(frame))


def timelines_of(path: Path) -> list[StoredTimeline]:
    """Return the timelines kept at `path`: one for a recording, a frames file or a stream of AG-UI events, one per call for
    a plain cassette.

    Raises:
        UnreadableRecordingError: there is nothing there that can be read.
    """
    with at_hand(path) as here:
        return _timelines(path, here)


def _timelines(path: Path, here: Path) -> list[StoredTimeline]:
    """Return the timelines of what lies `here` and is called `path`."""
    recover(here)
    if not here.exists():
        raise UnreadableRecordingError(
            f"'{path}' does not exist; expected a recording, a frames file, a stream of AG-UI events, or a cassette"
        )
    if is_agui(here):
        return [StoredTimeline(path, None, _agui_frames(here), f"{path}: AG-UI")]
    if here.suffix == ".jsonl":
        return [StoredTimeline(path, None, load_frames(here), str(path))]
    check_recording(here, path)
    if here.is_dir():
        recording = load_recording(here)
        ended = recording.outcome.status if recording.outcome is not None else recording.status
        title = f"{path}: {recording.target}, {ended}, recorded {recording.recorded_at} ({recording.origin})"
        return [StoredTimeline(path, None, load_frames(here / FRAMES), title, recording)]
    return [
        StoredTimeline(path, run.interaction, frames_of(_lines_of(run.frames), path), _call_title(path, run))
        for run in replay_cassette(here, strict=True)
    ]


def _agui_frames(path: Path) -> list[StreamFrame]:
    """Return the frames of a stream of AG-UI events, normalised, since they may be those of a run that nobody recorded."""
    events = read_agui(path)
    try:
        return frames_of(_lines_of(agui_frames(events)), path)
    except ValueError as error:
        raise UnreadableRecordingError(f"'{path}': {error}; expected whole frames, or events without any") from error


def _lines_of(frames: Iterable[FrameLike], redactor: Redactor | None = None) -> list[bytes]:
    """Return the lines that a frames file has of these frames."""
    return dump_frames(frames, redactor).splitlines()[1:]


def _call_title(path: Path, run: Any) -> str:
    why = (
        run.not_a_call
        or run.unjudged
        or "; ".join(run.problems)
        or (f"{type(run.error).__name__}: {run.error}" if run.error else "")
    )
    return f"{path} #{run.interaction}: {run.provider or 'unknown'}" + (f", {why}" if why else "")


class Comparison(NamedTuple):
    """What two timelines have and have not in common."""

    frames: tuple[int, int]
    differences: list[Difference]


def compared(first: Path, second: Path) -> Comparison:
    """Compare what is kept at two paths, calls of cassettes one by one in order. Raises as `timelines_of`."""
    first_groups, second_groups = _line_groups(first), _line_groups(second)
    if first_groups != second_groups:
        # What is equal is equal, whatever it is.
        for path in (first, second):
            _check_lines(path)
    differences: list[Difference] = []
    nothing: list[bytes] = []
    for mine, theirs in zip_longest(first_groups, second_groups, fillvalue=nothing):
        differences.extend(compare_lines(mine, theirs))
    return Comparison((sum(map(len, first_groups)), sum(map(len, second_groups))), differences)


def _line_groups(path: Path) -> list[list[bytes]]:
    with at_hand(path) as here:
        recover(here)
        if here.is_dir() and is_recording(here):
            load_recording(here)
            return [read_lines(here / FRAMES)]
        if here.suffix == ".jsonl" and not is_agui(here):
            return [read_lines(here)]
    return [_lines_of(timeline.frames) for timeline in timelines_of(path)]


def _check_lines(path: Path) -> None:
    """Raise UnreadableRecordingError for a file of frames with a line that is none."""
    if path.is_dir() or (path.suffix == ".jsonl" and not is_agui(path)):
        load_frames(path / FRAMES if path.is_dir() else path)


def _summary(frame: StreamFrame) -> str:
    payload = frame.data
    # The frames of an agent's calls name the agent, too.
    of_crews = _NAMES_OF_CREWS if frame.channel == "lifecycle" else ()
    keys = ("method_name", "tool_name", "model", *of_crews, "role", "route", "flow_name")
    named: Any = next((payload[key] for key in keys if isinstance(payload.get(key), str) and payload[key]), "")
    if frame.type.endswith("_chunk"):
        # What stands in a file may have any shape.
        call: Any = payload.get("tool_call")
        function = call.get("function") if isinstance(call, Mapping) else None
        named = function.get("name") if isinstance(function, Mapping) else ""
    telling = next((payload[key] for key in _TELLING if payload.get(key) not in (None, {}, [])), None)
    if telling is None and frame.channel == "custom":
        # What users publish has fields of their own.
        telling = {key: value for key, value in payload.items() if value is not None and key not in _COMMON} or None
    if isinstance(telling, Mapping) and isinstance(telling.get("raw"), str):
        # What a task or a crew came to: its text, and what else there is to know of it.
        telling = telling["raw"]
    text = "" if telling is None else json.dumps(telling, ensure_ascii=False)
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return " ".join(part for part in (frame.type, named if isinstance(named, str) else "", text) if part)
