"""Looking over recordings for what should not be in a repository: `harness scan`, and the end of every recording.

Each finding names a file, a kind and a place, never the value of a secret. The kinds:

| kind | a file … |
|---|---|
| secret | holds what redaction would have blotted |
| format | can't be read as what it should be, or is missing from its recording |
| version | was written in a later version of its format |
| age | was recorded longer ago than allowed, so that its provider may answer otherwise today |
| unplayed | holds more answered model calls than the recorded run made |
| orphan | lies in or beside a recording without belonging to one |
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from harness.errors import RecordingError, UnreadableRecordingError
from harness.recording.calls.model_calls import STARTED, answered_calls
from harness.recording.files.asides import Mark, aside_of
from harness.recording.files.bounds import is_later
from harness.recording.files.cassette_document import FORMAT_VERSION, cassette_content, rest_of
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.content import content_of, leads_out
from harness.recording.files.folder import CASSETTE, FRAMES, PARTS, RECORDING, WELCOME, is_recording, load_recording
from harness.recording.files.frames_file import load_frames
from harness.recording.files.walk import entries, holds_recordings, is_cassette, link_problem
from harness.recording.files.workplace import OWN
from harness.recording.pack.access import as_packed, at_hand, pack_of
from harness.recording.redact.leaks import leaks_in_interaction, leaks_in_json, leaks_in_json_lines, leaks_in_text
from harness.recording.redact.search import Hit
from harness.recording.wire import Interaction

Kind = Literal["secret", "format", "version", "age", "unplayed", "orphan"]

#: Why a folder stands beside a recording, and what to do with it.
_ASIDE_ADVICE: Mapping[Mark, str] = MappingProxyType(
    {
        "recording": "is being recorded, or was left by a recorder that was killed; look at it with show, and delete it",
        "refused": "was refused; look at what is found in it, and delete it, or record --accept it",
        "failed": "is of a run that failed, while a better one stands; delete it, or record --accept it",
        "cancelled": "is of a run that was interrupted, while a better one stands; delete it, or record --accept it",
        "second": "was recorded while another process did the same; delete it, or record --accept it",
        "replaced": "was left by a recorder that was killed when all was done; delete it",
        "moved": "was moved away by a recorder that was killed; replay puts it back where nothing stands in its place",
    }
)
#: What a recorder or writer that was killed leaves beside the file or folder that it worked on.
_LEFT_OVER = re.compile(r".+\.partial|\.(?:recording\.json|frames\.jsonl|.+\.ya?ml)\.\w+")

#: The version that a file says it has, whether or not the rest of it can be read.
_DECLARED_VERSION = re.compile(
    r"^version: ['\"]?(?P<cassette>[0-9]+)|\"format\": ?\"harness\.(?:recording|frames)/(?P<ours>[0-9]+)\"",
    re.MULTILINE,
)
_OUR_VERSION = 1

#: Providers change what they send within a year or so.
MAX_AGE_DAYS = 365


class Finding(Struct, frozen=True):
    """Something in a recording that should be looked at."""

    path: Path
    kind: Kind
    #: The place in the file, as a reader finds it: an interaction and a field; empty for the whole file.
    where: str
    message: str


#: Told of each recording and cassette before it is looked at.
Looking = Callable[[Path], None]


def scan(
    paths: Iterable[Path], *, now: datetime, max_age_days: int = MAX_AGE_DAYS, looking: Looking = lambda path: None
) -> list[Finding]:
    """Return the findings in the recordings, plain cassettes and folders of both at `paths`, in order of their files.

    `now` is timezone-aware. A file that can't be read is a finding, so that the rest is looked at too. `looking` is told
    of each recording and cassette before its turn.

    Raises:
        UnreadableRecordingError: nothing is at a path.
    """
    oldest = now - timedelta(days=max_age_days)
    findings: list[Finding] = []
    for path in paths:
        pack = pack_of(path)
        if pack is not None:
            findings.extend(_in_pack(path, pack, now, max_age_days, looking))
        elif path.is_dir():
            findings.extend(_in_folder(path, path, oldest, looking))
        elif path.exists():
            looking(path)
            findings.extend(_in_file(path, oldest))
        else:
            raise UnreadableRecordingError(f"nothing to scan at '{path}': no such file or folder; check the path")
    # Of paths that lie in one another, too, each is found once.
    return list(dict.fromkeys(findings))


def _in_pack(path: Path, pack: Path, now: datetime, max_age_days: int, looking: Looking) -> Iterator[Finding]:
    with at_hand(path) as here:
        copy = here if path == pack else here.parents[len(path.relative_to(pack).parts) - 1]

        def packed(place: Path) -> None:
            looking(pack / place.relative_to(copy))

        for found in scan([here], now=now, max_age_days=max_age_days, looking=packed):
            place = pack / found.path.relative_to(copy)
            yield replace(found, path=place, message=as_packed(found.message, copy, pack))


def _in_folder(folder: Path, root: Path, oldest: datetime, looking: Looking) -> Iterator[Finding]:
    if is_recording(folder):
        looking(folder)
        yield from _in_recording(folder, oldest)
    for entry in entries(folder, root):
        yield from _secrets(entry, leaks_in_text(entry.name), "name")
        aside = aside_of(entry)
        if entry.is_symlink():
            yield Finding(entry, "format", "", link_problem(entry))
        elif aside is not None and entry.is_dir():
            yield Finding(entry, "orphan", "", _ASIDE_ADVICE[aside.mark])
            yield from _in_folder(entry, root, oldest, looking)
        elif holds_recordings(entry):
            yield from _in_folder(entry, root, oldest, looking)
        elif entry.is_dir():
            continue
        elif is_recording(folder):
            if entry.name not in PARTS | WELCOME and (aside_of(folder) is None or entry.name not in OWN):
                yield Finding(entry, "orphan", "", f"belongs to no part of the recording '{folder.name}'; delete it")
        elif _LEFT_OVER.fullmatch(entry.name):
            yield Finding(entry, "orphan", "", "was left by a writer that did not finish; delete it")
        elif is_cassette(entry):
            looking(entry)
            yield from _in_cassette(entry, oldest)


def _in_file(path: Path, oldest: datetime) -> Iterator[Finding]:
    if path.name == RECORDING:
        return _in_manifest(path, oldest)
    if path.name == FRAMES:
        return _in_frames(path)
    return _in_cassette(path, oldest)


def _in_recording(folder: Path, oldest: datetime) -> Iterator[Finding]:
    manifest, cassette, frames = folder / RECORDING, folder / CASSETTE, folder / FRAMES
    if not manifest.is_file():
        for part in (cassette, frames):
            if part.is_file():
                yield Finding(part, "orphan", "", f"has no {RECORDING} beside it that says how it was recorded")
    else:
        yield from _in_manifest(manifest, oldest)
    for part, findings in ((cassette, _in_cassette(cassette, None)), (frames, _in_frames(frames))):
        if leads_out(part, folder):
            yield Finding(part, "format", "", "is a link that leads out of its recording, and is not followed")
        elif part.is_file():
            yield from findings
        elif manifest.is_file():
            yield Finding(part, "format", "", "is missing from its recording; record it again with --mode all")
    if cassette.is_file() and frames.is_file() and not leads_out(cassette, folder):
        yield from _unplayed(folder)


def _in_manifest(path: Path, oldest: datetime) -> Iterator[Finding]:
    try:
        recording = load_recording(path.parent)
    except RecordingError as error:
        yield _unreadable(path, error)
    else:
        if recording.status == "partial":
            yield Finding(path, "format", "status", "is partial: its recorder was stopped; record it again")
        try:
            recorded_at = datetime.fromisoformat(recording.recorded_at)
        except ValueError:
            yield Finding(path, "format", "recorded_at", "is no time in ISO 8601")
        else:
            yield from _age(path, "recorded_at", recorded_at, oldest)
    yield from _secrets(path, leaks_in_json(_text(path)))


def _in_frames(path: Path) -> Iterator[Finding]:
    try:
        load_frames(path)
    except RecordingError as error:
        yield _unreadable(path, error)
    yield from _secrets(path, leaks_in_json_lines(_text(path)))


def _in_cassette(path: Path, oldest: datetime | None) -> Iterator[Finding]:
    """The findings in a cassette; its age too where no manifest tells it."""
    try:
        interactions = read_cassette(path)
    except RecordingError as error:
        yield _unreadable(path, error)
        # What can't be read as a cassette may hold secrets all the same.
        yield from _secrets(path, leaks_in_json(_unpacked_text(path)))
        return
    for index, interaction in enumerate(interactions):
        yield from _secrets(path, leaks_in_interaction(interaction), f"interactions[{index}]")
    rest, comments = rest_of(cassette_content(path), path.name)
    # Bytes are text in JSON.
    yield from _secrets(path, leaks_in_json(json.dumps(rest, default=lambda value: value.decode("latin-1"))))
    yield from _secrets(path, leaks_in_text(comments), "comments")
    recorded_at = _latest_date(interactions)
    if oldest is not None and recorded_at is not None:
        yield from _age(path, "response.headers.date", recorded_at, oldest)


def _unplayed(folder: Path) -> Iterator[Finding]:
    """A finding where more model calls were answered than the run made, by its frames and its manifest.

    Which of them is for a replay to say. Of a run that was interrupted, a call may have been answered of which no frame
    has come yet.
    """
    try:
        interactions, frames = read_cassette(folder / CASSETTE), load_frames(folder / FRAMES)
    except RecordingError:
        return
    unframed = 0
    with suppress(RecordingError):
        recording = load_recording(folder)
        if recording.outcome is not None and recording.outcome.status == "cancelled":
            return
        unframed = recording.unframed_calls
    answered = answered_calls(interactions)
    made = sum(frame.type == STARTED for frame in frames) + unframed
    if answered > made:
        message = f"{answered} model calls were answered and the run made {made}; record it again with --mode all"
        yield Finding(folder / CASSETTE, "unplayed", "interactions", message)


def _unreadable(path: Path, error: RecordingError) -> Finding:
    declared = _DECLARED_VERSION.search(_text(path))
    later = declared is not None and (
        is_later(f"cassette/{declared['cassette']}", f"cassette/{FORMAT_VERSION}")
        if declared["cassette"] is not None
        else is_later(f"harness/{declared['ours']}", f"harness/{_OUR_VERSION}")
    )
    return Finding(path, "version" if later else "format", "", str(error))


def _age(path: Path, where: str, recorded_at: datetime, oldest: datetime) -> Iterator[Finding]:
    aware = recorded_at if recorded_at.tzinfo is not None else recorded_at.replace(tzinfo=UTC)
    if aware < oldest:
        yield Finding(path, "age", where, f"was recorded on {aware:%Y-%m-%d}; record it again")


def _secrets(path: Path, leaks: Iterable[Hit], where: str = "") -> Iterator[Finding]:
    # A key in a stream is blotted in many deltas: one finding for each kind and place.
    for hit in dict.fromkeys(leaks):
        place = ".".join(part for part in (where, hit.where) if part)
        yield Finding(path, "secret", place, f"holds what looks like a secret ({hit.rule}); revoke it and record again")


def _latest_date(interactions: Sequence[Interaction]) -> datetime | None:
    dates: list[datetime] = []
    for interaction in interactions:
        try:
            date = parsedate_to_datetime(interaction.response.header("date") or "")
        except ValueError:
            continue
        dates.append(date if date.tzinfo is not None else date.replace(tzinfo=UTC))
    return max(dates, default=None)


def _unpacked_text(path: Path) -> str:
    with suppress(RecordingError):
        return cassette_content(path).decode("utf-8", "replace")
    return _text(path)


def _text(path: Path) -> str:
    """What can be read of a file, for a look at files that are damaged too."""
    try:
        return content_of(path).decode("utf-8", "replace")
    except (OSError, UnreadableRecordingError):
        return ""
