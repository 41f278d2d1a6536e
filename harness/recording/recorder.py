"""One run being recorded: its frames and its outcome, as they go into the files of a recording."""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final, Literal

from harness.errors import RecordingError, TransportFault, UsageError, error_text
from harness.events.run_clock import clock_at
from harness.frames.codec import encode
from harness.frames.stored import FrameLike
from harness.import_path import version_of
from harness.providers.registry import providers
from harness.recording.calls.model_calls import STARTED, called_providers, unframed_calls
from harness.recording.files.folder import FRAMES, RECORDING, RecordedOutcome, Recording
from harness.recording.files.frames_file import FrameLines, dump_frames, header_line
from harness.recording.files.workplace import Workplace
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import Tape
from harness.recording.target import Session, Target

#: Packages whose versions are worth knowing when a recording is looked at years later, beside those of providers.
_RUNTIMES: Final = ("stream-harness", "crewai")
_LIBRARIES: Final = ("httpx2", "httpx", "urllib3", "aiohttp", "pydantic", "vcrpy")

#: What a run shows beside its text.
Aside = Literal["thinking", "tool", "call"]


class _OwnFault(BaseException):
    """Carries an error of the recorder's own out of a run, of which it is none."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Recorder:
    """Reads a run to its end, and takes it down in a workplace."""

    def __init__(
        self,
        target: Target,
        workplace: Workplace,
        *,
        runtime: str | None,
        origin: Literal["live", "authored"],
        on_text: Callable[[str], None],
        on_aside: Callable[[Aside, str], None],
        on_note: Callable[[str], None],
        moment: datetime | None = None,
    ) -> None:
        """Begin to record; `moment` is when what is played was recorded."""
        self._target = target
        self._workplace = workplace
        self._wanted_runtime = runtime
        self._origin = origin
        self._on_text = on_text
        self._on_aside = on_aside
        self._on_note = on_note
        self.redactor = Redactor()
        self.frames = 0
        self._started_calls = 0
        #: What the run raised.
        self.error: BaseException | None = None
        self._runtime: dict[str, str] | None = None
        self._outcome: RecordedOutcome | None = None
        self._moment = moment or datetime.now(UTC).replace(microsecond=0)
        self._content = bytearray(header_line())
        #: Those of the session that is read, or was last.
        self._lines = FrameLines(self.redactor)

    def begin(self) -> None:
        """Write what a killed process is to leave behind: a recording that says that it is partial."""
        self._workplace.write(RECORDING, self.recording(None).dump())
        self._workplace.write(FRAMES, bytes(self._content))

    def play(self) -> None:
        """Run the target to its end, whatever that is.

        Raises:
            UsageError: it can't be run; nothing has been.
            RecordingError: the recorder failed. The run was stopped, and is not to blame.
        """
        results: list[Any] = []
        status: Literal["completed", "failed", "cancelled"] = "completed"
        try:
            with clock_at(self._moment):
                for session in self._target.sessions():
                    self._know_runtime(session)
                    self._read(session)
                    results.append(self._lines.result(encode(session.result)))
        except _OwnFault as fault:
            raise RecordingError(
                f"the recorder failed, and stopped the run: {type(fault.error).__name__}: {fault.error}"
            ) from fault.error
        except UsageError:
            if not self.frames:
                raise
            status, self.error = "failed", sys.exception()
        except KeyboardInterrupt as error:
            status, self.error = "cancelled", error
        except TransportFault as fault:
            status, self.error = "failed", fault.error
        except BaseException as error:
            status, self.error = "failed", error
        text = None if self.error is None else self.redactor.text(self._lines.result(error_text(self.error)))
        kind = None if self.error is None else type(self.error).__name__
        results = self.redactor.frames(results)
        self._outcome = RecordedOutcome(status=status, results=results, error=text, error_type=kind)

    def _read(self, session: Session) -> None:
        written, frames = len(self._content), self.frames
        self._lines = FrameLines(self.redactor)
        try:
            self._read_to_end(session, self._lines)
        except KeyboardInterrupt:
            # It may have come in the middle of a line, and leaves frames behind that were not read.
            shown = session.frames
            self._content[written:] = self._own(lambda: dump_frames(shown, self.redactor)).removeprefix(header_line())
            self.frames = frames + len(shown)
            raise
        finally:
            session.close()

    def _read_to_end(self, session: Session, lines: FrameLines) -> None:
        try:
            for frame in session:
                self._take(lines, frame)
                self._show(frame)
        finally:
            if not isinstance(sys.exception(), _OwnFault):
                self._append(self._own(lines.rest))

    def _take(self, lines: FrameLines, frame: FrameLike) -> None:
        # What belongs together is redacted together, so lines come when a call has ended, not before.
        self._append(self._own(lambda: lines.add(frame)))
        self.frames += 1
        self._started_calls += frame.type == STARTED

    def _own(self, work: Callable[[], bytes]) -> bytes:
        try:
            return work()
        except Exception as error:
            raise _OwnFault(error) from error

    def _append(self, lines: bytes) -> None:
        if not lines:
            return
        self._content += lines
        # What does not fit on the disk now may fit at the end, when the file is written whole; till then the run goes on.
        with contextlib.suppress(OSError), (self._workplace.path / FRAMES).open("ab") as file:
            file.write(lines)

    def _show(self, frame: FrameLike) -> None:
        try:
            if frame.type == "llm_thinking_chunk":
                self._on_aside("thinking", text_of(frame))
            elif frame.channel == "llm" and (text := text_of(frame)):
                self._on_text(text)
            elif frame.type == STARTED:
                self._on_aside("call", "")
            elif tools := _requested_tools(frame):
                self._on_aside("tool", tools)
        except Exception as error:
            # Whoever watches has left, or can't show it: the run is recorded all the same.
            self._on_text = lambda text: None
            self._on_aside = lambda kind, text: None
            self._on_note(f"the text is no longer shown: {type(error).__name__}: {error}")

    def _know_runtime(self, session: Session) -> None:
        made_by = type(getattr(session, "wrapped", session)).__module__.partition(".")[0]
        if self._wanted_runtime is not None and made_by != self._wanted_runtime:
            raise UsageError(
                f"target {self._target.name!r} runs on {made_by!r}, not on {self._wanted_runtime!r} as asked for"
            )
        self._runtime = {"name": made_by, "version": version_of("stream-harness" if made_by == "harness" else made_by)}

    def finish(self, tape: Tape) -> None:
        """Write the recording whole."""
        self._workplace.write(FRAMES, bytes(self._content))
        self._workplace.write(RECORDING, self.recording(tape).dump())

    def recording(self, tape: Tape | None) -> Recording:
        """Return what stands in `recording.json`; partial until the run has ended."""
        return Recording(
            status="partial" if self._outcome is None or tape is None else "complete",
            target=self._target.name,
            entry=self._target.entry,
            inputs=self.redactor.payload(dict(self._target.inputs)),
            turns=tuple(self.redactor.text(turn) for turn in self._target.turns),
            runtime=self._runtime
            or {"name": self._wanted_runtime or "harness", "version": version_of("stream-harness")},
            versions=dict(_versions()),
            providers=() if tape is None else called_providers(tape.interactions),
            recorded_at=self._moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
            origin=self._origin,
            unframed_calls=0 if tape is None else self._unframed(tape),
            outcome=self._outcome,
        )

    def _unframed(self, tape: Tape) -> int:
        """Return how many calls the run made that no frame tells of; of one that was interrupted, frames are missing."""
        if self._outcome is None or self._outcome.status == "cancelled":
            return 0
        unplayed = set(map(id, tape.unplayed))
        return unframed_calls(
            (interaction for interaction in tape.interactions if id(interaction) not in unplayed), self._started_calls
        )


def _requested_tools(frame: FrameLike) -> str:
    """Return the tools that a call asked for, with their arguments; empty where it is no such end of a call."""
    response = frame.data.get("response") if frame.type == "llm_call_completed" else None
    if not isinstance(response, Sequence) or isinstance(response, str):
        return ""
    functions = [call.get("function") for call in response if isinstance(call, Mapping)]
    return ", ".join(
        f"{function.get('name')}({function.get('arguments')})"
        for function in functions
        if isinstance(function, Mapping)
    )


def text_of(frame: FrameLike) -> str:
    """Return the text that a frame of any runtime adds to the answer."""
    chunk = frame.data.get("chunk")
    return chunk if isinstance(chunk, str) and frame.data.get("call_type") != "tool_call" else ""


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    of_providers = dict.fromkeys(name for row in providers() for name in row.distributions)
    for package in (*_RUNTIMES, *of_providers, *_LIBRARIES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield package, metadata.version(package)
