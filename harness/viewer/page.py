"""The viewer's page: runs as compact JSON, put into the page that the folder `viewer` is the source of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson

from harness.frames.frame import StreamFrame
from harness.frames.stored import stored_frame
from harness.recording import Redactor
from harness.recording.comparison.alignment import aligned_frames
from harness.recording.comparison.normal import normalised
from harness.recording.timelines import StoredTimeline, timelines_of
from harness.terminal import shown_json
from harness.viewer.wire import WireAnswer, wire_of

FORMAT: Final = "harness.viewer/1"
#: Where the data go.
_PLACE: Final = "__TIMELINES__"
#: The texts of a frame that stand around its payload, beside its namespace and its type.
_NAMES_AROUND: Final = ("id", "parent_id", "previous_id", "channel")
#: An id as recordings number them.
_GIVEN_ID: Final = re.compile(r"f[0-9]{1,9}")
#: What a parser of HTML would see an end or a beginning in, and how JSON writes it otherwise.
_IN_HTML: Final = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))


@dataclass(frozen=True)
class BrokenClause:
    """A clause that is broken, and the place of the frame that shows it; None where no single frame does."""

    clause: str
    place: int | None
    message: str


#: Judges a timeline by the contract.
TimelineJudge = Callable[[Sequence[StreamFrame]], Iterable[BrokenClause]]


@dataclass(frozen=True)
class ViewedRun:
    """One timeline as the viewer shows it."""

    title: str
    frames: Sequence[StreamFrame]
    #: What the provider sent, where a recording has it.
    answers: Sequence[WireAnswer] = ()
    findings: Sequence[BrokenClause] = ()


def viewed_runs(path: Path, judge: TimelineJudge | None = None) -> list[ViewedRun]:
    """Return what is kept at `path` for the viewer: a run for each timeline, with its traffic and what `judge` finds.

    Raises:
        UnreadableRecordingError: there is nothing there that can be read.
    """
    return runs_of(timelines_of(path), judge)


def runs_of(timelines: Iterable[StoredTimeline], judge: TimelineJudge | None = None) -> list[ViewedRun]:
    """Return timelines as `viewed_runs` does. Raises UnreadableRecordingError."""
    return [
        ViewedRun(
            timeline.title,
            timeline.frames,
            wire_of(timeline.path, timeline.interaction, timeline.frames),
            () if judge is None or not timeline.frames else tuple(judge(timeline.frames)),
        )
        for timeline in timelines
    ]


def render_viewer(runs: Sequence[ViewedRun], title: str) -> str:
    """Return the page that shows `runs`: HTML in one piece, which loads nothing. What is a credential is taken out."""
    return _rendered(runs, title, {})


def render_beside(first: ViewedRun, second: ViewedRun, title: str) -> str:
    """Return the page that shows two runs side by side, aligned as `harness diff` does; as `render_viewer`."""
    pairs = aligned_frames(*(normalised(run.frames) for run in (first, second)))
    return _rendered((first, second), title, {"pairs": [list(pair) for pair in pairs]})


def _rendered(runs: Sequence[ViewedRun], title: str, more: Mapping[str, Any]) -> str:
    redactor = Redactor()
    document = {
        **more,
        "format": FORMAT,
        "title": redactor.text(title),
        "runs": [_run(run, redactor) for run in runs],
    }
    # Of the file, too, a terminal may be shown something.
    written = shown_json(_json(document))
    for char, escape in _IN_HTML:
        written = written.replace(char, escape)
    return _page().replace(_PLACE, written, 1)


def _json(document: dict[str, Any]) -> str:
    try:
        return orjson.dumps(document, option=orjson.OPT_STRICT_INTEGER).decode()
    except TypeError:
        # A path that is no UTF-8 has lone surrogates, which orjson refuses and JSON can escape.
        return json.dumps(_exact(document))


def _exact(value: Any) -> Any:
    """Return JSON in which integers that a browser would round are told as payloads tell those outside 64 bits."""
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return {"$int": str(value)} if isinstance(value, int) and abs(value) >= 2**53 else value


@cache
def _page() -> str:
    return files("harness.viewer").joinpath("viewer.html").read_text("utf-8")


def _run(run: ViewedRun, redactor: Redactor) -> dict[str, Any]:
    types, channels, namespaces, shapes = _Index(), _Index(), _Index(), _Index()
    place: dict[str, int] = {}
    rows: list[list[Any]] = []
    compact = [_compact(frame) for frame in run.frames]
    redacted = _redacted([frame for frame, _ in compact], redactor)
    for frame, (_, empty), original in zip(redacted, compact, run.frames, strict=True):
        if frame["seq"] == 1:
            # The next session of a conversation, whose ids may be those of the one before.
            place = {}
        place[frame["id"]] = len(rows)
        rows.append(
            [
                frame["seq"],
                types.of(frame["type"]),
                channels.of(frame["channel"]),
                namespaces.of(tuple(frame["namespace"])),
                place.get(frame["parent_id"], frame["parent_id"]),
                place.get(frame["previous_id"], frame["previous_id"]),
                0 if frame["id"] == f"f{frame['seq']}" else frame["id"],
                shapes.of(empty),
                frame["data"],
                round((original.timestamp - run.frames[0].timestamp).total_seconds() * 1_000, 3),
            ]
        )
    return {
        "title": redactor.text(run.title),
        "types": types.values,
        "channels": channels.values,
        "namespaces": namespaces.values,
        "shapes": shapes.values,
        "frames": rows,
        "answers": [answer.document(redactor) for answer in run.answers],
        "findings": [
            {"clause": finding.clause, "place": finding.place, "message": redactor.text(finding.message)}
            for finding in run.findings
        ],
    }


def _compact(frame: StreamFrame) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a stored frame without what is null in its payload, and the names of that.

    Most of a payload is, with the same names in all frames of a type.
    """
    stored = stored_frame(frame)
    payload = stored["data"]
    values = {name: value for name, value in payload.items() if value is not None}
    return {**stored, "data": values}, tuple(name for name, value in payload.items() if value is None)


def _redacted(frames: Sequence[dict[str, Any]], redactor: Redactor) -> Iterator[dict[str, Any]]:
    """Yield stored frames without credentials.

    What is split over the chunks of a call is found over all of them. What stands around a payload is much the same in
    all frames, or a number that a recording has given: each text of it is looked at once.
    """
    around = sorted({text for frame in frames for text in _texts_around(frame) if _GIVEN_ID.fullmatch(text) is None})
    shown = {
        text: redacted["id"]
        for text, redacted in zip(around, redactor.frames([{"id": text} for text in around]), strict=True)
        if redacted["id"] != text
    }
    payloads = redactor.frames([{"type": frame["type"], "data": frame["data"]} for frame in frames])
    for frame, payload in zip(frames, payloads, strict=True):
        if shown:
            for name in _NAMES_AROUND:
                frame[name] = shown.get(frame[name], frame[name])
            frame["namespace"] = [shown.get(text, text) for text in frame["namespace"]]
        yield {**frame, **payload}


def _texts_around(frame: Mapping[str, Any]) -> Iterator[str]:
    yield from (frame[name] for name in _NAMES_AROUND if frame[name] is not None)
    yield from frame["namespace"]


class _Index:
    """Numbers for values, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    @property
    def values(self) -> list[Any]:
        return list(self._numbers)

    def of(self, value: Any) -> int:
        return self._numbers.setdefault(value, len(self._numbers))
