"""How far a long command is, what it does now, and how long it may still take: on stderr, where a person watches."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from harness.terminal import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Characters that are shown of what is being done.
_WIDTH: Final = 44


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
        name = shown(self._names[self._done])
        return name if len(name) <= _WIDTH else f"…{name[1 - _WIDTH :]}"


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
