"""Opening a tape for a context, and finding the tape of a context."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar, get_args
from urllib.parse import urlsplit

from msgspec import Struct

from harness.bus.scope import current_run
from harness.errors import RecordingError, RunCancelled, UsageError
from harness.recording.files.cassette_document import cassette_name
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.exchange import held
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.core import Mode, Tape, TapeRedactor, running_loop
from harness.recording.tape.guard import NetworkGuard, block, is_blocked, is_spared, network_guard
from harness.recording.tape.match import InteractionIndex, unanswered
from harness.recording.tape.playback import check_speed
from harness.recording.tape.request_key import Matching
from harness.recording.wire import Interaction
from harness.recording.words.request_line import request_line
from harness.waits import answered_at_once

__all__ = [
    "Mode",
    "NetworkGuard",
    "Tape",
    "TapeRedactor",
    "current_tape",
    "network_guard",
    "open_tape",
    "playing",
    "running",
    "tape_for",
]

_MODES: Final[tuple[str, ...]] = get_args(Mode)


def open_tape(
    path: Path,
    mode: Mode,
    *,
    speed: float | None = None,
    base_url: str | None = None,
    redactor: TapeRedactor | None = None,
    scope_of: Callable[[], tuple[str, ...]] = tuple,
    clock: Callable[[], float] = time.monotonic,
    on_note: Callable[[str], None] = lambda note: None,
    shown_as: Path | None = None,
) -> AbstractContextManager[Tape]:
    """Return a context in which requests are answered from, or recorded to, the cassette at `path`.

    It covers the context that enters it and those copied from that one (tasks, `asyncio.to_thread`), and by
    `current_tape`'s rule plain threads. A recording is saved in one step when the context is left, whether its body
    returned, raised or was cancelled; until then `<path>.partial`, which a killed process leaves behind, has the exchanges
    that have ended, and been redacted, which what a loop has received is in a thread beside it; of a response that has
    not ended it has nothing. Where the body raised and nothing was recorded, nothing is written.

    With mode `once`, a recording that holds nothing is recorded again; so is one that holds a request which got no answer,
    and `on_note` is told. With mode `all`, one that holds such a request, whose body raised, or whose tape was told that the
    run `has_failed`, stays beside a whole one that stands, as `<path>.partial`, and `on_note` is told (clause
    `replay.kept`). So does that of a run that `is_interrupted`, with each mode. Of several tapes that record one cassette at
    once, each has a file of its own beside it; those with mode `new` add to it one after the other, of others the first
    that ends makes it, and the rest stay beside it.

    What is recorded has gone through `redactor`, and what is asked for is compared as it leaves it; without one, through
    a `Redactor` by the settings of the current project.

    `speed` paces answers (1.0 as recorded, None at once). `base_url` sends live requests there instead; what is
    recorded is the URL that was asked for. `scope_of` names the scope that a request comes from. `shown_as` is what messages
    call the cassette, where that is not its path.

    Raises:
        UsageError: an unknown mode, a speed that is not above zero, a base URL that is not absolute.
        RecordingError: on entering, the cassette can't be read or its folder not written to; on leaving, it can't be
            saved. Where the body raised, its own exception surfaces, with this one as a note.
    """
    if mode not in _MODES:
        raise UsageError(f"mode is {mode!r}; it must be one of {', '.join(_MODES)}")
    check_speed(speed)
    if base_url is not None and not _is_absolute(base_url):
        raise UsageError(f"base URL is {base_url!r}; it must be absolute, such as http://127.0.0.1:8080/v1")
    make = partial(
        Tape,
        shown_as or path,
        speed=speed,
        base_url=base_url,
        redactor=redactor or Redactor(),
        scope_of=scope_of,
        clock=clock,
    )
    # Before anything is saved, the body may go to another folder.
    return _TapeContext(path if mode == "none" else path.absolute(), mode, make, on_note)


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@contextmanager
def playing(
    path: Path,
    interactions: tuple[Interaction, ...],
    *,
    speed: float | None = None,
    redactor: TapeRedactor | None = None,
    scope_of: Callable[[], tuple[str, ...]] = tuple,
) -> Iterator[Tape]:
    """Play these interactions to this context, and record nothing; `path` is what messages name."""
    tape = Tape(path, interactions, plays=True, records=False, speed=speed, redactor=redactor, scope_of=scope_of)
    with running(tape):
        yield tape


TapeT = TypeVar("TapeT", bound=Tape)


@contextmanager
def running(tape: TapeT) -> Iterator[TapeT]:
    """Have `tape` answer the requests of this context, and close it at the end."""
    from harness.recording import transports

    transports.install()
    try:
        with _activated(tape):
            yield tape
    finally:
        tape.close()


@contextmanager
def _activated(tape: Tape) -> Iterator[None]:
    opened = _Opened(tape, threading.get_ident(), _of_context.get(), running_loop())
    token = _of_context.set(opened)
    hurries = tape.plays and not tape.records and tape.speed is None
    hurry = answered_at_once.set(lambda: hurries and not tape.closed)
    with _lock:
        _open.append(opened)
    try:
        yield
    finally:
        with _lock:
            _open.remove(opened)
        # Left in another context than it was entered in, as async generators may be: a closed tape is passed over.
        with suppress(ValueError):
            _of_context.reset(token)
            answered_at_once.reset(hurry)


def current_tape() -> Tape | None:
    """Return the open tape that a request made here belongs to.

    The innermost open one of this context. Where the context knows of none, the one open tape of the process, if there
    is exactly one: so in a thread that user code started, and in a task that is older than the tape, of its own loop.
    """
    opened = _of_context.get()
    if opened is None:
        with _lock:
            candidate = _open[0] if len(_open) == 1 else None
        opened = candidate if candidate is not None and candidate.covers_caller() else None
    while opened is not None and opened.tape.closed:
        opened = opened.around
    return None if opened is None else opened.tape


def tape_for(method: str, url: str, upgrade: str | None = None) -> Tape | None:
    """Return the tape of a request that is about to be made here; None where it may go out untouched.

    `upgrade` is the protocol to which the request would change its connection. What a WebSocket says is no response, and
    goes past a tape that records.

    Raises:
        TransportFault: with a `NetworkBlockedError`, where there is no tape and the network is blocked, or the tape only
            plays and the request would open a WebSocket.
        RunCancelled: the run that requests has been closed, and its tape with it: no fault of what is replayed now.
    """
    if is_blocked() and is_spared(urlsplit(url).hostname or ""):
        return None
    tape = current_tape()
    if tape is not None and upgrade is not None and upgrade.lower() == "websocket":
        if tape.records:
            return None
        raise block(
            f"{request_line(method, url)} was about to open a WebSocket",
            because="the tape that is running here only plays",
            advice="no tape holds what a WebSocket says; put something of your own in its place",
        )
    if tape is None and is_blocked():
        run = current_run()
        if run is not None and run.cancelled:
            raise RunCancelled
        raise block(
            f"{request_line(method, url)} was about to leave",
            because="no tape is running here",
            advice="record it with `harness record … --mode once`, or open a tape around it",
        )
    return tape


def any_records() -> bool:
    """Return whether a tape that records is open, in whatever context."""
    with _lock:
        return any(opened.tape.records and not opened.tape.closed for opened in _open)


class _Opened(Struct, frozen=True):
    """A tape with the thread that opened it and what was open around it."""

    tape: Tape
    thread: int
    around: _Opened | None
    #: The loop in which it was opened, by its identity; None where none ran.
    loop: int | None

    def covers_caller(self) -> bool:
        """Whether what runs here may be its business: another loop of the same thread is not."""
        return self.thread != threading.get_ident() or self.loop in (None, running_loop())


_of_context: contextvars.ContextVar[_Opened | None] = contextvars.ContextVar("harness_tape", default=None)
_lock = threading.Lock()
_open: list[_Opened] = []


class _TapeContext:
    """What `open_tape` returns: loads, puts the tape up, takes it down, saves."""

    def __init__(self, path: Path, mode: Mode, make: Callable[..., Tape], on_note: Callable[[str], None]) -> None:
        self._on_note = on_note
        self._path = path
        self._mode = mode
        self._make = make

    def __enter__(self) -> Tape:
        from harness.recording import transports

        self._tape = self._played() if self._mode == "none" else self._opened()
        transports.install()
        self._activation = _activated(self._tape)
        self._activation.__enter__()
        return self._tape

    def _played(self) -> Tape:
        """Return the tape of what is only played. There is nothing to save, and vcrpy loads slowly."""
        return self._make(read_cassette(self._path), plays=True, records=False, journal=None)

    def _opened(self) -> Tape:
        from harness.recording.files.cassette_writer import CassetteWriter, check_form
        from harness.recording.tape.cassette import use_cassette

        self._stood = _state(self._path)
        fresh = self._stood is None
        self._use = use_cassette(self._path, self._mode)
        self._cassette = self._use.__enter__()
        if self._mode == "once" and not fresh:
            # One that holds nothing answers nothing.
            fresh = not self._cassette.loaded or self._failed(self._cassette.loaded)
        plays = self._mode == "new" or (self._mode == "once" and not fresh)
        records = self._mode in ("new", "all") or (self._mode == "once" and fresh)
        if records:
            check_form(self._path)
        self._journal = CassetteWriter(self._path.with_name(f"{self._path.name}.partial"))
        if records and (self._stood is None or not plays):
            # A folder that can't be written to is better known before the run than after it.
            self._journal.open()
        return self._make(
            self._cassette.loaded, plays=plays, records=records, journal=self._journal if records else None
        )

    def _failed(self, loaded: tuple[Interaction, ...]) -> bool:
        """Whether what was recorded is a failure: of a server that was not there, nothing is to be played for ever."""
        lost = unanswered(loaded)
        if lost is None:
            return False
        self._on_note(
            f"cassette '{cassette_name(self._path)}' is recorded again: when it was recorded, {_no_answer(lost)}"
        )
        return True

    def _is_worse(self, interactions: tuple[Interaction, ...]) -> bool:
        """Whether what was recorded anew is a failure, and what stands is none (clause `replay.kept`)."""
        standing, lost = self._cassette.loaded, unanswered(interactions)
        if self._mode != "all" or not standing or unanswered(standing) is not None:
            return False
        if lost is not None:
            reason = _no_answer(lost, " now")
        elif self._tape.has_failed:
            reason = "the run failed now"
        else:
            return False
        self._note_aside(reason)
        return True

    def _note_aside(self, reason: str) -> None:
        self._on_note(
            f"cassette '{cassette_name(self._path)}' stays as it was: {reason}; what was recorded is in "
            f"'{self._journal.path.name}' beside it"
        )

    def _joined(self) -> tuple[Interaction, ...] | None:
        """Return what the cassette is to hold; None where it holds what another tape has recorded meanwhile.

        With mode `new`, that is played in place of what would be the same, as if it had been there before.
        """
        if _state(self._path) in (self._stood, None):
            return self._tape.interactions
        if self._mode != "new":
            return None
        standing, loaded = read_cassette(self._path), self._cassette.loaded
        others = standing[len(loaded) :] if standing[: len(loaded)] == loaded else standing
        index = InteractionIndex(others, matching=Matching.of(self._tape.settings))
        new = (each for each in self._tape.recorded if index.take(each.request, each.response.scope) is None)
        return (*standing, *new)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._activation.__exit__(None, None, None)
        self._tape.has_failed |= error is not None
        try:
            if self._mode == "none":
                self._tape.close()
            else:
                self._save(raised=error is not None)
        except RecordingError as problem:
            if error is None:
                raise
            error.add_note(str(problem))
        if error is not None and self._tape.recorded and self._journal.path.exists():
            error.add_note(f"what was recorded is in {self._journal.path}")

    def _save(self, *, raised: bool) -> None:
        problem: RecordingError | None = None
        try:
            self._tape.close()
        except RecordingError as left_out:
            problem = left_out
        try:
            with held(self._path.parent):
                is_kept = self._keep(raised=raised)
                self._use.__exit__(None, None, None)
        except RecordingError as unsaved:
            if self._journal.path.exists():
                unsaved.add_note(f"what was recorded is in {self._journal.path}")
            self._journal.close()
            raise
        if is_kept or not self._tape.recorded:
            self._journal.discard()
        else:
            self._journal.close()
        if problem is not None:
            raise problem

    def _keep(self, *, raised: bool) -> bool:
        """Give the cassette what is to be saved; return False where that stays beside it."""
        if self._tape.is_interrupted or self._is_worse(self._tape.interactions):
            return False
        is_new = not (self._tape.plays and self._path.exists())
        if not self._tape.recorded and not (self._tape.records and is_new and not raised):
            return True
        interactions = self._joined()
        if interactions is not None:
            self._cassette.keep(interactions)
        elif self._tape.recorded:
            self._note_aside("another tape has recorded it meanwhile")
        return interactions is not None


def _no_answer(lost: Interaction, when: str = "") -> str:
    return f"{request_line(lost.request.method, lost.request.url)} got no answer{when} ({lost.response.ended.error})"


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what is the same as long as nobody has written to `path`; None where nothing is."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
