"""Recording a run: its frames, its provider traffic, and what is needed to make it again; and what becomes of it all."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from harness.bus.scope import current_path
from harness.errors import HarnessError, RecordingError, UnsafeRecordingError, UsageError
from harness.recording.environment import played_environment
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import CASSETTE, FRAMES, RecordedOutcome, Recording, is_recording, load_recording
from harness.recording.files.frames_file import read_lines
from harness.recording.files.workplace import Workplace, latest_aside, place_for, put_in_place, recover
from harness.recording.recorder import Aside, Recorder
from harness.recording.scan import scan
from harness.recording.streams import streams_put_back
from harness.recording.tape.tape import Mode, Tape, network_guard, open_tape
from harness.recording.target import Target
from harness.recording.trust.exits import exits_noted
from harness.recording.wire import Interaction


class Recorded(Struct, frozen=True):
    """What `record` did."""

    path: Path
    recording: Recording
    #: How many frames the run gave, and how many requests it made.
    frames: int
    interactions: int
    #: Whether it is at `path` now. Else a recording stood already and was played, or this one is kept aside.
    written: bool
    #: What the run raised; the recording holds what came before it.
    error: BaseException | None
    #: Where it is kept, where it could not take its place; `accept` puts it there.
    aside: Path | None = None
    #: Whether mode `once` does not play it, but records it again: the run was interrupted, or got no answer.
    again: bool = False


def record(
    target: Target,
    out: Path,
    *,
    mode: Mode = "once",
    base_url: str | None = None,
    origin: Literal["live", "authored"] = "live",
    runtime: str | None = None,
    on_text: Callable[[str], None] = lambda text: None,
    on_aside: Callable[[Aside, str], None] = lambda kind, text: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Recorded:
    """Run `target` for real and write one recording to the folder `out`; return what was done.

    A run that fails or is interrupted leaves a recording that says so. The folder is replaced as a whole, and only once
    the new recording is complete (clause `replay.kept`): one whose run ended worse than the one that stands, one that the
    scan refused, and one that another recorder has overtaken are kept aside. With mode `once` a recording that stands is
    played and left alone, unless its run got no answer, or was interrupted. `on_note` is told what else there is to know, and
    `on_aside` of the reasoning, of the tools that are asked for, and of each call that begins, which are no part of the text.

    Raises:
        UsageError: the target can't be run, or belongs to another runtime than `runtime`; or what stands is a recording
            of another one, and is to be played.
        UnsafeRecordingError: the scan found a credential, or something else that no recording may have.
        RecordingError: the folder can't be written, or what stands in it can't be read, or the recorder itself failed.
    """
    final = place_for(out)
    recover(final)
    if mode == "none" and not is_recording(final):
        raise UsageError(f"mode none plays what is recorded, and '{out}' is no recording; record it with --mode once")
    standing = _standing(final, mode)
    again = mode == "once" and standing is not None and standing.worth is Worth.NOTHING
    if again and standing is not None:
        on_note(f"what stands in '{out}' {standing.why}, so it is recorded again")
    plays = mode == "none" or (mode == "once" and standing is not None and not again)
    if standing is not None and standing.target not in (None, target.name):
        conflict = f"'{out}' is a recording of {standing.target!r}, not of {target.name!r}"
        if plays:
            raise UsageError(f"{conflict}; choose another folder, or have it replaced with --mode all")
        on_note(f"{conflict}, which is to take its place")
    with contextlib.ExitStack() as stack:
        # What is played is copied, and what comes of it thrown away.
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()), final.name) if plays else final
        workplace = Workplace(place)
        workplace.open(cassette_of=final if plays or mode == "new" else None)
        recorder = Recorder(
            target,
            workplace,
            runtime=runtime,
            origin=origin,
            on_text=on_text,
            on_aside=on_aside,
            on_note=on_note,
            moment=load_recording(final).moment if plays else None,
        )
        try:
            tape = _run(
                recorder,
                workplace,
                out,
                "none" if plays else mode,
                base_url,
                needs_no_credentials=plays or base_url is not None,
            )
            recording = recorder.recording(tape)
            if recording.unframed_calls:
                on_note(_unframed(recording.unframed_calls))
            done = Recorded(out, recording, recorder.frames, len(tape.interactions), False, recorder.error)
            if not plays:
                _check_safe(workplace, done)
        except BaseException as error:
            _keep_unpublished(workplace, recorder, error, on_note)
            raise
        if plays:
            return done
        return _published(done, workplace, standing, _worth(done.recording.outcome, tape.interactions), on_note)


def _run(
    recorder: Recorder, workplace: Workplace, out: Path, mode: Mode, base_url: str | None, *, needs_no_credentials: bool
) -> Tape:
    with contextlib.ExitStack() as stack:
        # A run may go to another folder, as into a workspace.
        stack.enter_context(contextlib.chdir(Path.cwd()))
        stack.enter_context(streams_put_back())
        path = workplace.path / CASSETTE
        tape = stack.enter_context(
            open_tape(
                path,
                mode,
                base_url=base_url,
                redactor=recorder.redactor,
                scope_of=current_path,
                shown_as=out / CASSETTE,
            )
        )
        if mode == "none":
            # What is only played is to reach the network by no other way either.
            stack.enter_context(network_guard())
        if needs_no_credentials:
            stack.enter_context(played_environment(None if tape.records else tape.unplayed))
        stack.enter_context(exits_noted())
        recorder.begin()
        recorder.play()
    recorder.finish(tape)
    return tape


def _check_safe(workplace: Workplace, done: Recorded) -> None:
    """Scan the new recording before it takes its place. Raises UnsafeRecordingError with every finding."""
    findings = scan([workplace.path], now=datetime.now(UTC))
    if findings:
        listed = "; ".join(
            f"{found.kind}{f' at {found.where}' if found.where else ''}: {found.message}" for found in findings
        )
        aside = workplace.keep("refused")
        error = UnsafeRecordingError(
            f"'{workplace.final}' was not written, the scan of the new recording found: {listed}. "
            f"It is kept in '{aside}': look at it with harness show and harness scan, and delete it, or "
            f"publish it with harness record --accept -o {workplace.final}"
        )
        error.recorded = replace(done, aside=aside)
        raise error


def _keep_unpublished(
    workplace: Workplace, recorder: Recorder, error: BaseException, on_note: Callable[[str], None]
) -> None:
    """Keep what can't be published; where nothing has run, there is nothing."""
    if isinstance(error, UnsafeRecordingError):
        return
    if isinstance(error, HarnessError | KeyboardInterrupt) and not recorder.frames:
        workplace.discard()
        return
    grew, kept = str(workplace.path), workplace.keep("failed")
    notes = getattr(error, "__notes__", [])
    notes[:] = [note.replace(grew, str(kept)) for note in notes]
    on_note(f"what was recorded until then is kept in '{kept}'")


def _unframed(count: int) -> str:
    calls = "1 call to a model is" if count == 1 else f"{count} calls to a model are"
    return f"{calls} told of by no frame, not being made by an LLM of the runtime; the traffic is recorded and replayed"


def _published(
    done: Recorded, workplace: Workplace, standing: _Standing | None, new: _Standing, on_note: Callable[[str], None]
) -> Recorded:
    """Put a recording in its place, or keep it aside. Raises RecordingError."""
    if standing is not None and new.worth < standing.worth:
        aside = workplace.keep("cancelled" if isinstance(done.error, KeyboardInterrupt) else "failed")
        why = "the recording that stands is of a run that went better"
    elif workplace.publish():
        return replace(done, written=True, again=new.worth is Worth.NOTHING)
    else:
        aside, why = workplace.path, "another process has recorded it in the meantime"
    on_note(
        f"'{done.path}' was left as it is, since {why}. This one is kept in '{aside}': look at it with harness show, or "
        f"publish it with harness record --accept -o {done.path}"
    )
    return replace(done, aside=aside)


class Worth(IntEnum):
    """What a recording is worth: one never takes the place of another that is worth more."""

    #: The run was interrupted, or a request of it got no answer: there is little to replay.
    NOTHING = 0
    FAILED = 1
    COMPLETED = 2


class _Standing(Struct, frozen=True):
    worth: Worth
    why: str = ""
    #: What it is a recording of, where that can be read.
    target: str | None = None


def accept(out: Path, *, target: str | None = None) -> Recorded:
    """Publish what was kept aside of the recording `out`, the latest, and return it; what stood there is replaced.

    `out` may also name the very folder that is kept aside. With `target`, it must be a recording of that.

    Raises:
        UsageError: it is a recording of another target.
        RecordingError: nothing is kept aside, it can't be read, or it can't be moved.
    """
    aside, final = latest_aside(out)
    recording = load_recording(aside)
    if target is not None and target != recording.target:
        raise UsageError(
            f"'{aside}' is a recording of {recording.target!r}, not of {target!r}; give no target, or that one"
        )
    frames, interactions = read_lines(aside / FRAMES), read_cassette(aside / CASSETTE)
    put_in_place(aside, final)
    return Recorded(final, recording, len(frames), len(interactions), written=True, error=None, aside=aside)


def _standing(final: Path, mode: Mode) -> _Standing | None:
    """Return what the recording at `final` is worth; None where there is none.

    Raises:
        UnreadableRecordingError: it can't be read, and is to be played.
    """
    if not is_recording(final):
        return None
    try:
        recording = load_recording(final)
        read_lines(final / FRAMES)
        return replace(_worth(recording.outcome, read_cassette(final / CASSETTE)), target=recording.target)
    except RecordingError:
        if mode != "all":
            raise
        return _Standing(Worth.NOTHING)


def _worth(outcome: RecordedOutcome | None, interactions: Sequence[Interaction]) -> _Standing:
    if outcome is None or outcome.status == "cancelled":
        return _Standing(Worth.NOTHING, "is of a run that was interrupted")
    if outcome.status == "completed":
        return _Standing(Worth.COMPLETED)
    if not interactions or any(interaction.response.ended.how == "no-response" for interaction in interactions):
        return _Standing(Worth.NOTHING, f"is of a run that got no answer ({outcome.error_type}: {outcome.error})")
    return _Standing(Worth.FAILED)


def host_of(url: str) -> str:
    """Return host and path of a URL, as reports name a request."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"
