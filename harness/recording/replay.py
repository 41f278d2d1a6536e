"""Replaying what was recorded, offline: the run is made again, and what it does is set beside the recording.

What comes of it is evidence; whether it is good is for the contract to say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.bus.scope import current_path
from harness.errors import (
    HarnessError,
    ProviderStatusError,
    TransportFault,
    UnreadableRecordingError,
    UsageError,
    error_text,
)
from harness.frames.codec import encode
from harness.llm.credentials import no_credentials_needed
from harness.llm.llm import LLM
from harness.llm.overrides import call_stream_override
from harness.llm.recorded import RecordedCall
from harness.providers.registry import recognized
from harness.recording.compare import Difference, LineComparison, compare_values
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import CASSETTE, FRAMES, RECORDING, Outcome, Recording, load_recording
from harness.recording.files.frames_file import FrameLines, header_line, read_lines
from harness.recording.files.workplace import recover, replace_files
from harness.recording.normal import FrameLike
from harness.recording.record import host_of
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import Tape, network_guard, open_tape, playing
from harness.recording.target import Session, Target
from harness.recording.trust.exits import exits_noted
from harness.recording.trust.gate import Trust
from harness.recording.wire import Interaction
from harness.session.session import StreamSession


@dataclass
class Replayed:
    """One run made again: what a recording, or one interaction of a plain cassette, gave."""

    path: Path
    kind: Literal["recording", "cassette"]
    #: The number of the interaction in its cassette, from 1; None for a whole recording.
    interaction: int | None = None
    provider: str | None = None
    streamed: bool | None = None
    #: Each session that the run read to its end: one, or one for each turn.
    sessions: list[Session] = field(default_factory=list)
    frames: list[FrameLike] = field(default_factory=list)
    #: What the run raised.
    error: BaseException | None = None
    #: Where the frames, or the results, are not what was recorded.
    differences: list[Difference] = field(default_factory=list)
    #: Whether the recording was given the frames and results of this run, so that the differences are gone.
    updated: bool = False
    #: What else makes this replay a failure: unmatched requests, unplayed ones, an unsupported provider.
    problems: list[str] = field(default_factory=list)
    #: Why this is no call to a model, for an interaction that is none.
    not_a_call: str | None = None
    #: The recorded HTTP status, for an interaction.
    status: int | None = None

    @property
    def ended(self) -> Literal["exhausted", "failed", "closed"]:
        """How reading the run ended."""
        return "exhausted" if self.error is None else "failed"

    @property
    def is_recorded_error(self) -> bool:
        """Whether the run failed with the very HTTP error that was recorded, as it should."""
        return isinstance(self.error, ProviderStatusError) and self.error.status == self.status


def replay_recording(
    folder: Path, *, speed: float | None = None, update: bool = False, trust: Trust | None = None
) -> Replayed:
    """Make a recorded run again from its recording, and compare; with `update` write the frames it gives now.

    `trust` says what its target may be; without it, what the project of the current folder vouches for.

    Raises:
        UnreadableRecordingError: a file of the recording can't be read.
        UntrustedTargetError: its target is not trusted, and nothing of it has been run.
        UsageError: its target can't be run here.
    """
    recover(folder)
    recording = load_recording(folder)
    if recording.status == "partial":
        raise UnreadableRecordingError(
            f"'{folder}' is partial: the process that recorded it was stopped. Look at it with show; record it again"
        )
    recorded_lines = read_lines(folder / FRAMES)
    if not recorded_lines:
        raise UnreadableRecordingError(f"'{folder / FRAMES}' holds no frames: there is nothing to check")
    replayed = Replayed(folder, "recording", provider=", ".join(recording.providers) or None)
    redactor = Redactor()
    made = _Made(redactor, LineComparison(recorded_lines))
    gate = (trust or Trust.here()).gate(recording.target, folder)
    target = Target(recording.target, recording.entry, recording.inputs, recording.turns, gate)
    limit = len(recorded_lines) if recording.outcome and recording.outcome.status == "cancelled" else None
    with (
        exits_noted() as exits,
        _offline(),
        open_tape(folder / CASSETTE, "none", speed=speed, redactor=redactor, scope_of=current_path) as tape,
    ):
        made.run(target, replayed, limit)
    _check_exits(recording, replayed, exits)
    replayed.differences = made.comparison.differences()
    replayed.differences += _outcome_differences(recording, replayed, made, redactor)
    if limit is None or replayed.differences:
        _note_tape(tape, replayed, cancelled=limit is not None)
    # Else: played from a tape, a cancelled run gets further than when it was recorded; what it asked for then is of no account.
    if update and replayed.differences and not replayed.problems:
        _update(folder, recording, replayed, made, redactor)
        replayed.updated = True
    return replayed


def _check_exits(recording: Recording, replayed: Replayed, exits: list[str]) -> None:
    """Refuse to judge a run that would end the process, unless that is how it was recorded. Raises UsageError."""
    recorded = recording.outcome is not None and recording.outcome.error_type == SystemExit.__name__
    if isinstance(replayed.error, SystemExit) and not recorded:
        exits = [*exits, f"sys.exit({replayed.error.code!r})"]
    if exits:
        raise UsageError(
            f"target {recording.target!r} would have ended the process that replays it, by {exits[0]}; nothing can be said "
            "of such a run. Let it return or raise"
        )


class _Made:
    """The frames and results of a run as it is made again."""

    def __init__(self, redactor: Redactor, comparison: LineComparison) -> None:
        self._redactor = redactor
        self.comparison = comparison
        self.results: list[Any] = []

    def run(self, target: Target, replayed: Replayed, limit: int | None) -> None:
        """Run `target`; a run that was cancelled when it was recorded is closed after as many frames."""
        try:
            for session in target.sessions():
                replayed.sessions.append(session)
                self._read(session, replayed, limit)
                if limit is not None:
                    session.close()
                    return
                self.results.append(encode(session.result))
        except UsageError as error:
            if not replayed.frames:
                raise
            replayed.error = error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not _came_from_run(error, replayed):
                raise
            replayed.error = error.error if isinstance(error, TransportFault) else error

    def _read(self, session: Session, replayed: Replayed, limit: int | None) -> None:
        lines = FrameLines(self._redactor, self.comparison.goes_on_with)
        try:
            for frame in session:
                replayed.frames.append(frame)
                self.comparison.add(lines.add(frame))
                if limit is not None and len(replayed.frames) >= limit:
                    return
        finally:
            self.comparison.add(lines.rest())


def replay_cassette(path: Path, *, speed: float | None = None) -> Iterator[Replayed]:
    """Make each call of a plain cassette again, through the public `LLM`, against its recorded response.

    Raises:
        UnreadableRecordingError: the cassette can't be read, or holds nothing.
    """
    interactions = read_cassette(path)
    if not interactions:
        raise UnreadableRecordingError(f"'{path}' holds no interactions: there is nothing to check")
    for number, interaction in enumerate(interactions, start=1):
        yield _replay_interaction(path, number, interaction, speed)


def _replay_interaction(path: Path, number: int, interaction: Interaction, speed: float | None) -> Replayed:
    request = interaction.request
    replayed = Replayed(path, "cassette", number, status=interaction.response.status)
    api = recognized(request.method, request.url)
    if api is None:
        replayed.not_a_call = f"{request.method.upper()} {host_of(request.url)} is no call to a model"
        return replayed
    replayed.provider = api.name
    try:
        call = api.parse(request.url, request.body)
        replayed.streamed = bool(call.stream)
        llm = LLM(call.model, stream=call.stream, max_retries=0, **call.settings)
    except HarnessError as error:
        replayed.problems.append(str(error))
        return replayed
    with _offline(), playing(path, (interaction,), speed=speed) as tape:
        session = StreamSession(lambda: _made_again(llm, call), source=llm)
        replayed.sessions.append(session)
        try:
            replayed.frames.extend(session)
        except Exception as error:
            replayed.error = error
    _note_tape(tape, replayed)
    return replayed


def _made_again(llm: LLM, call: RecordedCall) -> Any:
    with call_stream_override(llm, bool(call.stream)):
        return llm.call(call.messages, call.tools or None)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    with network_guard(), no_credentials_needed():
        yield


def _note_tape(tape: Tape, replayed: Replayed, *, cancelled: bool = False) -> None:
    """Note requests that matched nothing, whatever became of their errors, and recorded ones that were never made."""
    replayed.problems.extend(str(miss) for miss in tape.misses)
    if cancelled:
        return
    # By identity: equal requests may have been recorded more than once.
    numbers = {id(one): number for number, one in enumerate(tape.interactions, start=1)}
    for one in tape.unplayed:
        replayed.problems.append(
            f"recorded request {numbers[id(one)]} "
            f"({one.request.method} {host_of(one.request.url)}) was never made; "
            "the run has changed, record it again with --mode all"
        )


def _outcome_differences(
    recording: Recording, replayed: Replayed, made: _Made, redactor: Redactor
) -> Sequence[Difference]:
    if recording.outcome is None or recording.outcome.status == "cancelled":
        return []
    recorded = recording.outcome.model_dump()
    # What is as it was recorded needs no redacting, which takes longer than all else here.
    if not compare_values(recorded, _outcome(replayed, made).model_dump(), "outcome"):
        return []
    return compare_values(recorded, _outcome(replayed, made, redactor).model_dump(), "outcome")


def _outcome(replayed: Replayed, made: _Made, redactor: Redactor | None = None) -> Outcome:
    error = replayed.error
    text = None if error is None else error_text(error)
    return Outcome(
        status="completed" if error is None else "failed",
        results=made.results if redactor is None else redactor.frames(made.results),
        error=text if redactor is None or text is None else redactor.text(text),
        error_type=None if error is None else type(error).__name__,
    )


def _update(folder: Path, recording: Recording, replayed: Replayed, made: _Made, redactor: Redactor) -> None:
    updated = recording.model_copy(update={"outcome": _outcome(replayed, made, redactor)})
    content = b"".join([line + b"\n" for line in made.comparison.lines])
    replace_files(folder, {FRAMES: header_line() + content, RECORDING: updated.dump()})


def _came_from_run(error: BaseException, replayed: Replayed) -> bool:
    """Whether a KeyboardInterrupt was raised by the run itself, and not by the person who watches the replay."""
    try:
        _ = replayed.sessions[-1].result
    except BaseException as raised:
        return raised is error
    return False
