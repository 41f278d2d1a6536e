"""Recording a run: its frames, its provider traffic, and what is needed to make it again."""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from harness.bus.scope import current_path
from harness.errors import HarnessError, TransportFault, UnsafeRecordingError, UsageError, error_text
from harness.frames.codec import encode
from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import providers, recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import (
    CASSETTE,
    FRAMES,
    RECORDING,
    Outcome,
    Recording,
    Workplace,
    is_recording,
    load_recording,
    recover,
)
from harness.recording.files.frames_file import FrameLines, dump_frames, header_line, read_lines
from harness.recording.normal import FrameLike
from harness.recording.redact.redaction import Redactor
from harness.recording.scan import scan
from harness.recording.tape.tape import Mode, Tape, open_tape
from harness.recording.target import Session, Target

#: Packages whose versions are worth knowing when a recording is looked at years later, beside those of providers.
_RUNTIMES: Final = ("stream-harness", "crewai")
_LIBRARIES: Final = (
    "httpx2",
    "httpx",
    "urllib3",
    "aiohttp",
    "pydantic",
    "vcrpy",
)


@dataclass(frozen=True)
class Recorded:
    """What `record` did."""

    path: Path
    recording: Recording
    #: How many frames the run gave, and how many requests it made.
    frames: int
    interactions: int
    #: False where a recording stood already and the mode was to leave it.
    written: bool
    #: What the run raised; the recording holds what came before it.
    error: BaseException | None


def record(
    target: Target,
    out: Path,
    *,
    mode: Mode = "once",
    base_url: str | None = None,
    origin: Literal["live", "authored"] = "live",
    runtime: str | None = None,
    on_text: Callable[[str], None] = lambda text: None,
) -> Recorded:
    """Run `target` for real and write one recording to the folder `out`; return what was done.

    A run that fails or is interrupted leaves a recording that says so. The folder is replaced as a whole, and only once
    the new recording is complete; with mode `once` a recording that stands is played and left alone.

    Raises:
        UsageError: the target can't be run, or belongs to another runtime than `runtime`.
        UnsafeRecordingError: the scan found a credential, or something else that no recording may have.
        RecordingError: the folder can't be written, or what stands in it can't be read.
    """
    recover(out)
    if mode == "none" and not is_recording(out):
        raise UsageError(f"mode none plays what is recorded, and '{out}' is no recording; record it with --mode once")
    if is_recording(out) and mode != "all":
        _check_readable(out)
    keep_old = is_recording(out) and mode in ("once", "none")
    workplace = Workplace(out)
    workplace.open()
    run = _Run(target, workplace, runtime, on_text)
    try:
        with contextlib.ExitStack() as stack:
            tape = stack.enter_context(
                open_tape(
                    workplace.path / CASSETTE, mode, base_url=base_url, redactor=run.redactor, scope_of=current_path
                )
            )
            if base_url is not None or keep_old:
                stack.enter_context(no_credentials_needed())
            run.begin(origin)
            run.play()
        run.finish(tape, origin)
        _check_safe(workplace)
    except HarnessError as error:
        # Nothing has run, or its recording can't be kept; what stood in `out` stands.
        if not run.frames or isinstance(error, UnsafeRecordingError):
            workplace.discard()
        raise
    if keep_old:
        workplace.discard()
    else:
        workplace.publish()
    return Recorded(out, run.recording(tape, origin), run.frames, len(tape.interactions), not keep_old, run.error)


def _check_readable(folder: Path) -> None:
    """Refuse to play or to replace a recording that can't be read. Raises UnreadableRecordingError."""
    load_recording(folder)
    read_lines(folder / FRAMES)
    read_cassette(folder / CASSETTE)


def _check_safe(workplace: Workplace) -> None:
    """Scan the new recording before it takes its place. Raises UnsafeRecordingError with every finding."""
    findings = scan([workplace.path], now=datetime.now(UTC))
    if findings:
        told = "; ".join(f"{found.kind} at {found.where}: {found.message}" for found in findings)
        raise UnsafeRecordingError(f"'{workplace.final}' was not written, the scan of the new recording found: {told}")


class _Run:
    """One run being recorded into a workplace."""

    def __init__(
        self, target: Target, workplace: Workplace, runtime: str | None, on_text: Callable[[str], None]
    ) -> None:
        self._target = target
        self._workplace = workplace
        self._wanted_runtime = runtime
        self._on_text = on_text
        self.redactor = Redactor()
        self.frames = 0
        self.error: BaseException | None = None
        self._runtime: dict[str, str] | None = None
        self._outcome: Outcome | None = None
        self._recorded_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._content = bytearray(header_line())

    def begin(self, origin: Literal["live", "authored"]) -> None:
        """Write what a killed process is to leave behind: a recording that says that it is partial."""
        self._workplace.write(RECORDING, self.recording(None, origin).dump())
        self._workplace.write(FRAMES, bytes(self._content))

    def play(self) -> None:
        """Run the target to its end, whatever that is."""
        results: list[Any] = []
        status: Literal["completed", "failed", "cancelled"] = "completed"
        try:
            for session in self._target.sessions():
                self._know_runtime(session)
                self._read(session)
                results.append(encode(session.result))
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
        text = None if self.error is None else self.redactor.text(error_text(self.error))
        kind = None if self.error is None else type(self.error).__name__
        results = self.redactor.frames(results)
        self._outcome = Outcome(status=status, results=results, error=text, error_type=kind)

    def _read(self, session: Session) -> None:
        written, frames = len(self._content), self.frames
        try:
            self._read_to_end(session)
        except KeyboardInterrupt:
            # It may have come in the middle of a line, and leaves frames behind that were not read.
            kept = session.frames
            self._content[written:] = dump_frames(kept, self.redactor).removeprefix(header_line())
            self.frames = frames + len(kept)
            raise
        finally:
            session.close()

    def _read_to_end(self, session: Session) -> None:
        lines = FrameLines(self.redactor)
        try:
            for frame in session:
                # What belongs together is redacted together, so lines come when a call has ended, not before.
                self._append(lines.add(frame))
                self.frames += 1
                if frame.channel == "llm" and (text := text_of(frame)):
                    self._on_text(text)
        finally:
            self._append(lines.rest())

    def _append(self, lines: bytes) -> None:
        if not lines:
            return
        self._content += lines
        with (self._workplace.path / FRAMES).open("ab") as file:
            file.write(lines)

    def _know_runtime(self, session: Session) -> None:
        made_by = type(getattr(session, "wrapped", session)).__module__.partition(".")[0]
        if self._wanted_runtime is not None and made_by != self._wanted_runtime:
            raise UsageError(
                f"target {self._target.name!r} runs on {made_by!r}, not on {self._wanted_runtime!r} as asked for"
            )
        self._runtime = {"name": made_by, "version": _version("stream-harness" if made_by == "harness" else made_by)}

    def finish(self, tape: Tape, origin: Literal["live", "authored"]) -> None:
        """Write the recording whole."""
        self._workplace.write(FRAMES, bytes(self._content))
        self._workplace.write(RECORDING, self.recording(tape, origin).dump())

    def recording(self, tape: Tape | None, origin: Literal["live", "authored"]) -> Recording:
        """Return what stands in `recording.json`; partial until the run has ended."""
        return Recording(
            status="partial" if self._outcome is None or tape is None else "complete",
            target=self._target.name,
            entry=self._target.entry,
            inputs=self.redactor.payload(dict(self._target.inputs)),
            turns=tuple(self.redactor.text(turn) for turn in self._target.turns),
            runtime=self._runtime or {"name": self._wanted_runtime or "harness", "version": _version("stream-harness")},
            versions=dict(_versions()),
            providers=_providers(tape) if tape is not None else (),
            recorded_at=self._recorded_at,
            origin=origin,
            outcome=self._outcome,
        )


def text_of(frame: FrameLike) -> str:
    """Return the text that a frame of any runtime adds to the answer."""
    chunk = frame.data.get("chunk")
    return chunk if isinstance(chunk, str) and frame.data.get("call_type") != "tool_call" else ""


def _providers(tape: Tape) -> tuple[str, ...]:
    apis = (recognized(one.request.method, one.request.url) for one in tape.interactions)
    return tuple(sorted({api.name for api in apis if api is not None}))


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    of_providers = dict.fromkeys(name for row in providers() for name in row.distributions)
    for package in (*_RUNTIMES, *of_providers, *_LIBRARIES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield package, metadata.version(package)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def host_of(url: str) -> str:
    """Return host and path of a URL, as reports name a request."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"
