"""A recording as a folder: its files, and what stands in `recording.json`."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pydantic import ConfigDict, Field, ValidationError

from harness.errors import UnreadableRecordingError
from harness.events.sources import moment_in_utc
from harness.recording.files.bounds import DEEPEST_JSON, is_later, json_problem
from harness.recording.files.content import check_link, content_of
from harness.recording.redact.bodies import redacted_text
from harness.validation import UserModel, first_fault

FORMAT: Final = "harness.recording/1"
RECORDING: Final = "recording.json"
CASSETTE: Final = "cassette.yaml"
FRAMES: Final = "frames.jsonl"
#: Inputs and results are in it, each once.
_LARGEST: Final = 64 * 1024 * 1024
#: The files of a recording.
PARTS: Final = frozenset({RECORDING, CASSETTE, FRAMES})
#: What its folder may hold besides, for its readers and for packaging.
WELCOME: Final = frozenset({"README.md", "__init__.py"})


class RecordedOutcome(UserModel):
    """How a recorded run ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["completed", "failed", "cancelled"]
    #: The result of each session, as JSON; one, or one for each turn.
    results: list[Any] = Field(default_factory=list)
    error: str | None = None
    error_type: str | None = None


class Recording(UserModel):
    """The contents of `recording.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["harness.recording/1"] = "harness.recording/1"
    #: A partial recording was left behind by a process that was killed; its frames and traffic are a beginning.
    status: Literal["complete", "partial"] = "complete"
    target: str
    entry: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    turns: tuple[str, ...] = ()
    #: The runtime that made the frames, as `{name, version}`.
    runtime: dict[str, str]
    #: Versions of what took part, by package name.
    versions: dict[str, str] = Field(default_factory=dict)
    #: The providers that were called, sorted.
    providers: tuple[str, ...] = ()
    #: When it was recorded, ISO 8601 in UTC.
    recorded_at: str
    #: `live` traffic of a provider, or `authored` by a server that speaks its documented format.
    origin: Literal["live", "authored"]
    #: How many calls to a model the run made that no frame tells of, since no LLM of the runtime made them; the file has
    #: it where there are any.
    unframed_calls: int = Field(default=0, ge=0)
    outcome: RecordedOutcome | None = None

    @property
    def moment(self) -> datetime | None:
        """When it was recorded; None where what it says is no time."""
        with suppress(ValueError):
            return moment_in_utc(datetime.fromisoformat(self.recorded_at))
        return None

    def dump(self) -> bytes:
        """Return the file's contents: JSON for people, keys in the order of this class."""
        left_out = None if self.unframed_calls else {"unframed_calls"}
        return (self.model_dump_json(indent=2, exclude=left_out) + "\n").encode()


def is_recording(path: Path) -> bool:
    """Whether `path` is the folder of a recording, readable or not."""
    return path.is_dir() and any((path / name).exists() for name in (RECORDING, FRAMES))


def load_recording(folder: Path) -> Recording:
    """Return what `recording.json` says.

    Raises:
        UnreadableRecordingError: missing, empty, torn, binary, foreign, or of a later format version.
    """
    path = folder / RECORDING
    for name in sorted(PARTS):
        # Also those that are read later, by whoever asks what this is a recording of first.
        check_link(folder / name, folder)
    try:
        content = content_of(path, limit=_LARGEST, inside=folder).removeprefix(BOM_UTF8)
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; a recording is a folder with {RECORDING}, {CASSETTE} and {FRAMES}"
        ) from error
    problem = json_problem(content.decode("utf-8", "replace"), DEEPEST_JSON)
    if problem is not None:
        raise UnreadableRecordingError(f"'{path}': {problem}; expected what a recorder writes, record it again")
    try:
        found = orjson.loads(content)
    except ValueError as error:
        fault = "is empty" if not content.strip() else f"is not JSON ({error})"
        raise UnreadableRecordingError(
            f"'{path}' {fault}; it was not written to its end, or is no recording"
        ) from error
    check_format(path, found.get("format") if isinstance(found, Mapping) else None, FORMAT)
    try:
        return Recording.model_validate(found)
    except ValidationError as error:
        raise UnreadableRecordingError(f"'{path}': {redacted_text(first_fault(error))[0]}") from error


def check_format(path: Path, found: object, expected: str) -> None:
    """Refuse the file at `path`, which says that it has the format `found`, unless that is the `expected` one.

    Raises:
        UnreadableRecordingError: it is another one, which is told without credentials, or a later one.
    """
    if found == expected:
        return
    shown = f"of the type {type(found).__name__}"
    if found is None or isinstance(found, str):
        shown = repr(found and redacted_text(found)[0])[:80]
    if is_later(found, expected):
        raise UnreadableRecordingError(
            f"'{path}' has the format {shown}, later than {expected!r}, which is all that this version reads; update "
            "stream-harness"
        )
    raise UnreadableRecordingError(f"'{path}' has the format {shown}; expected {expected!r}")
