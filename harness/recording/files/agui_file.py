"""Streams of AG-UI events, as somebody has kept them: JSON lines, or server-sent events as they came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import orjson

from harness.errors import UnreadableRecordingError
from harness.providers.shared.sse import SSEDecoder
from harness.recording.files.bounds import DEEPEST_JSON, MOST_LINES, json_problem
from harness.recording.files.content import beginning_of, content_of

#: What a file of either form may be called; other names are those of cassettes. Without any, it can be a cassette in JSON.
_LINES: Final = frozenset({".jsonl", ".ndjson", ".txt", ".log"})
_SENT: Final = frozenset({*_LINES, ".sse", ""})
#: How far is looked for the first event, in bytes.
_NEAR: Final = 4096
#: Types of events are in capitals, which none of a frame is.
_TYPE: Final = re.compile(rb'"type"\s*:\s*"[A-Z]+(?:_[A-Z]+)*"')
_BOM: Final = b"\xef\xbb\xbf"


def is_agui(path: Path) -> bool:
    """Whether a file looks like a stream of AG-UI events, by its name and its beginning."""
    suffix = path.suffix.lower()
    if suffix not in _SENT or not path.is_file():
        return False
    beginning = beginning_of(path, _NEAR).removeprefix(_BOM).lstrip()
    if beginning.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return True
    return suffix in _LINES and beginning.startswith(b"{") and _TYPE.search(beginning) is not None


def read_agui(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file.

    Raises:
        UnreadableRecordingError: it is no plain file, too large, a line of it is no event, with its number, or none of its
            events is of AG-UI.
    """
    try:
        content = content_of(path)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; expected a stream of AG-UI events"
        ) from error
    content = content.removeprefix(_BOM)
    if content.count(b"\n") > MOST_LINES:
        raise UnreadableRecordingError(f"'{path}' has more than {MOST_LINES:,} lines; keep less in one file")
    if content.lstrip().startswith(b"{"):
        lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
        events = [_event(path, f"line {number}", line) for number, line in lines]
    else:
        # What has begun and not ended is no event, as for every reader of such streams.
        sent = SSEDecoder().feed(content)
        events = [_event(path, f"event {number}", data) for number, (_, data) in enumerate(sent, start=1)]
    if not any(event["type"].isupper() for event in events):
        raise UnreadableRecordingError(f"'{path}' has no AG-UI event; of other protocols' streams there is no way back")
    return events


def _event(path: Path, where: str, data: bytes) -> dict[str, Any]:
    problem = json_problem(data.decode("utf-8", "replace"), DEEPEST_JSON) if len(data) > DEEPEST_JSON else None
    if problem is not None:
        raise UnreadableRecordingError(
            f"'{path}': {where} is {problem.removeprefix('line 1: ')}; expected an AG-UI event"
        )
    try:
        event = orjson.loads(data)
    except ValueError as error:
        raise UnreadableRecordingError(f"'{path}': {where} is no JSON ({error}); expected an AG-UI event") from error
    if not (isinstance(event, dict) and isinstance(event.get("type"), str)):
        raise UnreadableRecordingError(
            f'\'{path}\': {where} is no AG-UI event; expected an object with a `type`, as in {{"type": "RUN_STARTED", …}}'
        )
    return event
