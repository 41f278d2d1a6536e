"""A recording as a folder: what stands in `recording.json`, and how a whole folder takes the place of an older one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import RecordingError, UnreadableRecordingError
from harness.recording.files.atomic import write_atomically

FORMAT: Final = "harness.recording/1"
_FAMILY, _, _VERSION = FORMAT.partition("/")
RECORDING: Final = "recording.json"
CASSETTE: Final = "cassette.yaml"
FRAMES: Final = "frames.jsonl"
_OURS: Final = frozenset({RECORDING, CASSETTE, FRAMES, f"{CASSETTE}.partial"})


class Outcome(BaseModel):
    """How a recorded run ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["completed", "failed", "cancelled"]
    #: The result of each session, as JSON; one, or one for each turn.
    results: list[Any] = Field(default_factory=list)
    error: str | None = None
    error_type: str | None = None


class Recording(BaseModel):
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
    outcome: Outcome | None = None

    def dump(self) -> bytes:
        """Return the file's contents: JSON for people, keys in the order of this class."""
        return (self.model_dump_json(indent=2) + "\n").encode()


def is_recording(path: Path) -> bool:
    """Whether `path` is the folder of a recording, readable or not."""
    return path.is_dir() and any((path / name).exists() for name in (RECORDING, FRAMES))


def load_recording(folder: Path) -> Recording:
    """Return what `recording.json` says.

    Raises:
        UnreadableRecordingError: missing, empty, torn, binary, foreign, or of a later format version.
    """
    path = folder / RECORDING
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableRecordingError(
            f"'{path}': {error.strerror or error}; a recording is a folder with {RECORDING}, {CASSETTE} and {FRAMES}"
        ) from error
    try:
        found = json.loads(content)
    except ValueError as error:
        what = "is empty" if not content.strip() else f"is not JSON ({error})"
        raise UnreadableRecordingError(f"'{path}' {what}; it was not written to its end, or is no recording") from error
    _check_format(path, found)
    try:
        return Recording.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableRecordingError(f"'{path}': {place}: {first['msg']}") from error


def _check_format(path: Path, found: Any) -> None:
    named = found.get("format") if isinstance(found, Mapping) else None
    if named == FORMAT:
        return
    family, _, version = str(named).partition("/")
    if family == _FAMILY and version.isdigit() and int(version) > int(_VERSION):
        raise UnreadableRecordingError(
            f"'{path}' has the format {named!r}, later than {FORMAT!r}, which is all that this version reads; update "
            "stream-harness"
        )
    raise UnreadableRecordingError(f"'{path}' has the format {named!r}; expected {FORMAT!r}")


class Workplace:
    """The folder in which a recording grows, beside the one that it is to become.

    Until `publish`, the old recording stands untouched; a process that is killed leaves it, and this folder with a
    recording that says that it is partial.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f"{final.name}.partial")
        self._old = final.with_name(f"{final.name}.old")

    def open(self) -> None:
        """Make the folder, with the cassette of the recording that it may replace.

        Raises:
            RecordingError: it can't be made, or the final folder holds something else than a recording.
        """
        recover(self.final)
        if self.final.exists():
            self._check_replaceable()
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
            self.path.mkdir(parents=True)
            if (self.final / CASSETTE).exists():
                shutil.copyfile(self.final / CASSETTE, self.path / CASSETTE)
        except OSError as error:
            raise RecordingError(
                f"'{self.path}' can't be made: {error.strerror or error}; nothing was recorded"
            ) from error

    def _check_replaceable(self) -> None:
        if not self.final.is_dir():
            raise RecordingError(f"'{self.final}' is no folder; a recording is one, choose another path")
        foreign = sorted(path.name for path in self.final.iterdir() if path.name not in _OURS)
        if foreign:
            raise RecordingError(
                f"'{self.final}' holds {', '.join(foreign[:3])}, which is no part of a recording; choose a folder of its own"
            )

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the recording, whole or not at all. Raises RecordingError."""
        write_atomically(self.path / name, content)

    def publish(self) -> None:
        """Put the folder in its final place. Killed in between, the old recording is found again by `recover`.

        Raises:
            RecordingError: it can't be moved; it stands where it was made.
        """
        try:
            if self.final.exists():
                self.final.rename(self._old)
            self.path.rename(self.final)
        except OSError as error:
            recover(self.final)
            raise RecordingError(
                f"'{self.final}' can't be replaced: {error.strerror or error}; the new recording is '{self.path}'"
            ) from error
        shutil.rmtree(self._old, ignore_errors=True)

    def discard(self) -> None:
        """Remove the folder: there was nothing to record."""
        shutil.rmtree(self.path, ignore_errors=True)


def recover(final: Path) -> None:
    """Put back the old recording where a process was killed between moving it away and moving the new one in."""
    old = final.with_name(f"{final.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)
