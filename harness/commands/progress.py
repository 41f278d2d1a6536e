"""How far a long command is, what it does now, and how long it may still take: on stderr, where a person watches."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from harness.terminal import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Characters that are shown of what is being done.
_WIDTH: Final = 44
#: What takes less time is done before somebody could read what it is.
_MOMENT_S: Final = 0.5


class Watched:
    """The progress of one command. Without anybody who watches, all of it does nothing."""

    def __init__(self, names: Sequence[str], progress: Progress | None) -> None:
        self._names = names
        self._progress = progress
        self._done = 0
        self._task: TaskID | None = None
        if progress is not None:
            self._task = progress.add_task(self._now(), total=len(names))

    def one_done(self) -> None:
        """Say that one more thing is done."""
        self._done += 1
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=self._now())

    @contextlib.contextmanager
    def set_aside(self) -> Iterator[None]:
        """Take the line away while something else is printed, which may go to the same terminal."""
        if self._progress is None:
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


@contextlib.contextmanager
def at_work(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done until the context is left, where it takes longer than a moment and stderr is a terminal.

    Gives what changes it to something else.
    """
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

    def line(what: str) -> Text:
        return Text(_short(what), overflow="ellipsis", no_wrap=True)

    status = Status(line(what), console=Console(stderr=True), spinner="line")
    begun = threading.Timer(_MOMENT_S, status.start)
    begun.daemon = True
    begun.start()
    try:
        yield lambda what: status.update(line(what))
    finally:
        begun.cancel()
        begun.join()
        status.stop()


@contextlib.contextmanager
def watched(names: Sequence[str]) -> Iterator[Watched]:
    """Show, while the context is open, how many of these things are done and which is next, where stderr is a terminal."""
    if len(names) < 2 or not sys.stderr.isatty():
        yield Watched(names, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Watched(names, progress)
