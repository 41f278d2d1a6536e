"""Replaying what was recorded, offline: the run is made again, and what it does is set beside the recording.

What comes of it is evidence; whether it is good is for the contract to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from harness.bus.scope import current_path
from harness.errors import (
    MissingExtraError,
    TransportFault,
    UnreadableRecordingError,
    UsageError,
    error_text,
)
from harness.events.run_clock import clock_at
from harness.frames.codec import encode
from harness.recording.comparison.compare import Difference, LineComparison, compare_values
from harness.recording.environment import played_environment
from harness.recording.files.folder import CASSETTE, FRAMES, RECORDING, RecordedOutcome, Recording, load_recording
from harness.recording.files.frames_file import FrameLines, frames_of, header_line, read_lines
from harness.recording.files.workplace import recover, replace_files
from harness.recording.pack.access import at_hand, pack_of
from harness.recording.recorded_turn import recorded_turn
from harness.recording.redact.redaction import Redactor
from harness.recording.replayed import Replayed, note_tape
from harness.recording.streams import streams_put_back
from harness.recording.tape.recorded_answers import answered_as_recorded
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.target import Session, Target
from harness.recording.trust.exits import exits_noted
from harness.recording.trust.gate import Trust

#: Characters of an error's text that are told of a run that failed as it should.
_SHOWN: Final = 160


def replay_recording(
    folder: Path,
    *,
    speed: float | None = None,
    update: bool = False,
    trust: Trust | None = None,
    turn: int | None = None,
) -> Replayed:
    """Make a recorded run again from its recording, and compare; with `update` write the frames it gives now.

    With `turn`, from 1, that turn of a conversation alone: the turns before are not run, the flow begins with the state
    that their frames tell of. What other turns have asked for is then not missed.

    `trust` says what its target may be; without it, what the project of the current folder vouches for.

    Raises:
        UnreadableRecordingError: a file of the recording can't be read.
        UntrustedTargetError: its target is not trusted, and nothing of it has been run.
        UsageError: its target can't be run here, it has no such turn, or it is in a pack, or one turn alone, and is to
            be updated.
    """
    if update and turn is not None:
        raise UsageError("a recording is updated as a whole: leave out the turn, or the update")
    pack = pack_of(folder)
    if update and pack is not None:
        raise UsageError(
            f"'{pack}' is a pack, which is not changed; unpack it, update the recordings, and pack them again"
        )
    with at_hand(folder) as here:
        return _replay(folder, here, pack or folder, speed=speed, update=update, trust=trust, turn=turn)


def _replay(
    folder: Path,
    here: Path,
    origin: Path,
    *,
    speed: float | None,
    update: bool,
    trust: Trust | None,
    turn: int | None,
) -> Replayed:
    """Replay what lies `here` and is called `folder`; `origin` is what came from others."""
    recover(here)
    recording = load_recording(here)
    if recording.status == "partial":
        raise UnreadableRecordingError(
            f"'{folder}' is partial: the process that recorded it was stopped. Look at it with show; record it again"
        )
    recorded_lines = read_lines(here / FRAMES)
    if not recorded_lines:
        raise UnreadableRecordingError(f"'{folder / FRAMES}' holds no frames: there is nothing to check")
    turns, prepare = recording.turns, None
    if turn is not None:
        single = recorded_turn(recording, recorded_lines, turn, folder)
        recorded_lines, turns, prepare = single.lines, (single.message,), single.prepare
        recording = recording.model_copy(update={"outcome": single.outcome})
    replayed = Replayed(folder, "recording", provider=", ".join(recording.providers) or None)
    redactor = Redactor()
    rerun = _Rerun(redactor, LineComparison(recorded_lines))
    gate = (trust or Trust.here()).gate(recording.target, origin)
    target = Target(recording.target, recording.entry, recording.inputs, turns, gate, prepare)
    limit = len(recorded_lines) if recording.outcome and recording.outcome.status == "cancelled" else None
    with (
        # A run may go to another folder, as into a workspace.
        chdir(Path.cwd()),
        streams_put_back(),
        exits_noted() as exits,
        network_guard() as guard,
        answered_as_recorded(recorded_lines),
        clock_at(recording.moment),
        open_tape(
            here / CASSETTE,
            "none",
            speed=speed,
            redactor=redactor,
            scope_of=current_path,
            shown_as=folder / CASSETTE,
        ) as tape,
        played_environment(tape.unplayed),
    ):
        rerun.run(target, replayed, limit)
    _check_exits(recording, replayed, exits)
    if rerun.comparison.lines != recorded_lines:
        # What is as this run gives it needs no look.
        frames_of(recorded_lines, folder / FRAMES)
    replayed.differences = rerun.comparison.differences()
    outcome = _outcome_differences(recording, replayed, rerun, redactor)
    replayed.is_new_error = replayed.error is not None and bool(outcome)
    if replayed.error is not None and not outcome:
        message = " ".join(error_text(replayed.error).split())[:_SHOWN]
        replayed.notes.append(f"the run failed, as when it was recorded: {type(replayed.error).__name__}: {message}")
    replayed.differences += [replace(difference, is_consequence=bool(replayed.differences)) for difference in outcome]
    # Whatever became of the errors (clause `replay.offline`).
    replayed.problems.extend(map(str, guard.blocked))
    if limit is None or replayed.differences:
        note_tape(tape, replayed, in_part=limit is not None or turn is not None)
    # Else: played from a tape, a cancelled run gets further than when it was recorded; what it asked for then is of no account.
    if update and replayed.differences and not replayed.problems and not replayed.unplayed:
        _update(folder, recording, replayed, rerun, redactor)
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


class _Rerun:
    """The frames and results of a run as it is made again."""

    def __init__(self, redactor: Redactor, comparison: LineComparison) -> None:
        self._redactor = redactor
        self.comparison = comparison
        #: What each session gave, with the lines of its frames.
        self._results: list[tuple[Any, FrameLines]] = []
        #: Those of the session that is read, or was last.
        self._lines = FrameLines(redactor)

    def run(self, target: Target, replayed: Replayed, limit: int | None) -> None:
        """Run `target`; a run that was cancelled when it was recorded is closed after as many frames."""
        try:
            for session in target.sessions():
                replayed.sessions.append(session)
                self._read(session, replayed, limit)
                if limit is not None:
                    session.close()
                    return
                self._results.append((encode(session.result), self._lines))
        except MissingExtraError:
            raise
        except UsageError as error:
            if not replayed.frames:
                raise
            replayed.error = error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not _is_raised_by_run(error, replayed):
                raise
            replayed.error = error.error if isinstance(error, TransportFault) else error

    def _read(self, session: Session, replayed: Replayed, limit: int | None) -> None:
        lines = self._lines = FrameLines(self._redactor, self.comparison.continues)
        try:
            for frame in session:
                replayed.frames.append(frame)
                self.comparison.add(lines.add(frame))
                if limit is not None and len(replayed.frames) >= limit:
                    return
        finally:
            self.comparison.add(lines.rest())

    def outcome(self, error: BaseException | None, *, normalised: bool = True) -> RecordedOutcome:
        """Return how the run ended, with ids and times as in frames; or, as in older recordings, as they are."""
        text = None if error is None else error_text(error)
        return RecordedOutcome(
            status="completed" if error is None else "failed",
            results=[lines.result(result) if normalised else result for result, lines in self._results],
            error=self._lines.result(text) if normalised else text,
            error_type=None if error is None else type(error).__name__,
        )


def _outcome_differences(
    recording: Recording, replayed: Replayed, rerun: _Rerun, redactor: Redactor
) -> Sequence[Difference]:
    if recording.outcome is None or recording.outcome.status == "cancelled":
        return []
    recorded = recording.outcome.model_dump()
    # What is as it was recorded needs no redacting, which takes longer than all else here.
    for normalised in (True, False):
        outcome = rerun.outcome(replayed.error, normalised=normalised)
        if not compare_values(recorded, outcome.model_dump(), "outcome"):
            return []
    return compare_values(recorded, _redacted(rerun.outcome(replayed.error), redactor).model_dump(), "outcome")


def _redacted(outcome: RecordedOutcome, redactor: Redactor) -> RecordedOutcome:
    error = None if outcome.error is None else redactor.text(outcome.error)
    return outcome.model_copy(update={"results": redactor.frames(outcome.results), "error": error})


def _update(folder: Path, recording: Recording, replayed: Replayed, rerun: _Rerun, redactor: Redactor) -> None:
    updated = recording.model_copy(update={"outcome": _redacted(rerun.outcome(replayed.error), redactor)})
    content = b"".join([line + b"\n" for line in rerun.comparison.lines])
    replace_files(folder, {FRAMES: header_line() + content, RECORDING: updated.dump()})


def _is_raised_by_run(error: BaseException, replayed: Replayed) -> bool:
    """Whether a KeyboardInterrupt was raised by the run itself, and not by the person who watches the replay."""
    try:
        _ = replayed.sessions[-1].result
    except BaseException as raised:
        return raised is error
    return False
