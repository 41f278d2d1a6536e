"""How far a long command is, what it does now, and how long it may still take: on stderr, where a person watches."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from harness.terminal import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.status import Status

#: Characters that are shown of what is being done.
_WIDTH: Final = 44
#: What takes less time is done before somebody could read what it is.
_MOMENT_S: Final = 0.5


class Watched:
    """The progress of one command. Without anybody who watches, all of it does nothing."""

    def __init__(self, names: Sequence[str], progress: Progress | None, end: Callable[[], None] = lambda: None) -> None:
        """`end` takes away what is shown without progress."""
        self._names = names
        self._progress = progress
        self._end = end
        self._done = 0
        self._task: TaskID | None = None
        if progress is not None:
            self._task = progress.add_task(self._now(), total=len(names))

    def advance(self) -> None:
        """Say that one more thing is done."""
        self._done += 1
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=self._now())

    @contextlib.contextmanager
    def set_aside(self) -> Iterator[None]:
        """Take the line away while something else is printed, which may go to the same terminal."""
        if self._progress is None:
            self._end()
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def _now(self) -> str:
        if self._done >= len(self._names):
            return ""
        return _short(self._names[self._done])


def _short(name: str) -> str:
    name = shown(name)
    return name if len(name) <= _WIDTH else f"…{name[1 - _WIDTH :]}"


class AtWork:
    """What is being done now. Without anybody who watches, all of it does nothing."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status
        self._begun: threading.Timer | None = None

    def say(self, activity: str) -> None:
        """Say that something else is being done."""
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(_short(activity), overflow="ellipsis", no_wrap=True))

    def begin(self) -> None:
        """Show it from a moment on."""
        if self._status is not None:
            self._begun = threading.Timer(_MOMENT_S, self._status.start)
            self._begun.daemon = True
            self._begun.start()

    def end(self) -> None:
        """Take it away for good."""
        if self._status is not None and self._begun is not None:
            self._begun.cancel()
            self._begun.join()
            self._status.stop()


@contextlib.contextmanager
def at_work(activity: str) -> Iterator[AtWork]:
    """Show what is being done until the context is left, where it takes longer than a moment and stderr is a terminal."""
    console = _console()
    if console is None:
        yield AtWork()
        return
    from rich.status import Status

    work = AtWork(Status("", console=console, spinner="line"))
    work.say(activity)
    work.begin()
    try:
        yield work
    finally:
        work.end()


@contextlib.contextmanager
def watched(names: Sequence[str]) -> Iterator[Watched]:
    """Show, while the context is open, how many of these things are done and which is next, where stderr is a terminal."""
    console = _console() if names else None
    if console is None:
        yield Watched(names, None)
        return
    if len(names) == 1:
        with at_work(names[0]) as work:
            yield Watched(names, None, work.end)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Watched(names, progress)


def _console() -> Console | None:
    """Return stderr, where it is a terminal on which a line can be written over; else None."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return None if console.is_dumb_terminal else console
