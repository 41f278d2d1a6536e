"""`frames.jsonl`: a header line, then one canonical JSON line per frame."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from harness.errors import UnreadableRecordingError
from harness.frames.frame import StreamFrame
from harness.frames.stored import FrameLike, StoredFrames
from harness.recording.comparison.normal import Normalizer
from harness.recording.files.bounds import (
    DEEPEST_JSON,
    DEEPEST_SCOPE,
    LONGEST,
    MOST_LINES,
    json_problem,
)
from harness.recording.files.content import content_of
from harness.recording.files.folder import check_format
from harness.recording.redact.bodies import redacted_text
from harness.recording.redact.redaction import Redactor
from harness.validation import first_fault

FORMAT: Final = "harness.frames/1"
#: What ends a call.
_CALL_ENDS: Final = frozenset({"llm_call_completed", "llm_call_failed"})


def header_line() -> bytes:
    """Return the first line of every frames file."""
    return _line({"format": FORMAT})


class FrameLines:
    """The lines of one run's frames, made while it runs.

    Lines are canonical: normalised, redacted, keys sorted, each with its newline. They come in groups, each time no call
    is open: a credential may be split over the chunks of one call, and nothing of it may reach a file.
    """

    def __init__(
        self, redactor: Redactor | None = None, is_known: Callable[[Sequence[bytes]], bool] = lambda lines: False
    ) -> None:
        """Make lines that `redactor` has been over, but for a group that `is_known` as it stands.

        What is in a file already needs no second look, which would cost more than all else here.
        """
        self._normalizer = Normalizer()
        self._redactor = redactor
        self._is_known = is_known
        self._waiting: list[dict[str, Any]] = []
        #: The frames that began calls which are open.
        self._open_calls: set[str] = set()

    def add(self, frame: FrameLike) -> bytes:
        """Take the next frame; return the lines that are ready, or nothing."""
        self._waiting.append(self._normalizer.frame(frame))
        if frame.type == "llm_call_started":
            self._open_calls.add(frame.id)
        elif frame.type in _CALL_ENDS:
            # One may end of which nothing told that it began.
            self._open_calls.discard(str(frame.data.get("started_event_id")))
        return b"" if self._open_calls else self.rest()

    def result(self, value: Any) -> Any:
        """Return what a run gave, a JSON value, as normalised as its frames are. Ask after the last of them."""
        return self._normalizer.result(value)

    def rest(self) -> bytes:
        """Return the lines of all frames that were held back."""
        waiting, self._waiting = self._waiting, []
        lines = list(map(_line, waiting))
        if self._redactor is not None and lines and not self._is_known(lines):
            lines = list(map(_line, self._redactor.frames(waiting)))
        return b"".join(lines)


def dump_frames(frames: Iterable[FrameLike], redactor: Redactor | None = None) -> bytes:
    """Return a whole frames file."""
    lines = FrameLines(redactor)
    return b"".join([header_line(), *map(lines.add, frames), lines.rest()])


def read_lines(path: Path) -> list[bytes]:
    """Return the frame lines of a file, without newlines.

    Raises:
        UnreadableRecordingError: missing, empty, torn, foreign, or of a later format.
    """
    try:
        content = content_of(path, inside=path.parent).removeprefix(BOM_UTF8)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; a recording needs its frames, record it again"
        ) from error
    if not content:
        raise UnreadableRecordingError(f"'{path}' is empty; expected a header line {FORMAT!r}, record it again")
    if content.count(b"\n") > MOST_LINES:
        raise UnreadableRecordingError(f"'{path}' has more than {MOST_LINES:,} lines; record less in one run")
    lines = content.split(b"\n")
    _check_header(path, lines[0])
    if lines.pop():
        raise UnreadableRecordingError(
            f"'{path}': line {len(lines) + 1} is torn, it ends without a newline; the file was not written to its end, "
            "record it again"
        )
    for number, line in enumerate(lines[1:], start=2):
        # Most are short: a bracket for each level that is too deep has no place in them.
        if len(line) > DEEPEST_JSON:
            _check_bounds(path, number, line)
    return lines[1:]


def load_frames(path: Path) -> list[StreamFrame]:
    """Return the frames of a file, normalised as they were written.

    Raises:
        UnreadableRecordingError: as `read_lines`, and for a line that is no frame, with its number.
    """
    return frames_of(read_lines(path), path)


def frames_of(lines: Iterable[bytes], path: Path) -> list[StreamFrame]:
    """Return the frames of lines that `read_lines` gave for `path`."""
    stored = StoredFrames()
    depths: dict[str | None, int] = {None: 0}
    frames = []
    for number, line in enumerate(lines, start=2):
        try:
            frames.append(stored.frame(orjson.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = redacted_text(first_fault(error))[0] if isinstance(error, ValidationError) else str(error)
            raise UnreadableRecordingError(
                f"'{path}': line {number} is no frame ({reason}); expected the fields of a StreamFrame as JSON"
            ) from error
        depth = depths.get(frames[-1].parent_id, 0) + 1
        if depth > DEEPEST_SCOPE:
            raise UnreadableRecordingError(
                f"'{path}': line {number} is in more than {DEEPEST_SCOPE} scopes, one in the other; no run nests so deep"
            )
        depths[frames[-1].id] = depth
    return frames


def _check_bounds(path: Path, number: int, line: bytes) -> None:
    problem = json_problem(line.decode("utf-8", "replace"), DEEPEST_JSON)
    if len(line) > LONGEST:
        problem = f"longer than {LONGEST // 1024 // 1024} MiB"
    if problem is not None:
        raise UnreadableRecordingError(
            f"'{path}': line {number} is {problem.removeprefix('line 1: ')}; expected a frame, record less in one run"
        )


def _check_header(path: Path, line: bytes) -> None:
    try:
        found = orjson.loads(line)["format"]
    except (ValueError, KeyError, TypeError):
        raise UnreadableRecordingError(
            f"'{path}' does not begin with a frames header; expected {FORMAT!r} in its first line"
        ) from None
    check_format(path, found, FORMAT)


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
