"""Contests: the same work done by several contestants, in turns, each turn in a fresh process.

Every contestant is a script that prints one number. Taking turns (A B C, A B C, …) spreads the machine's noise over all
of them, so that a ratio of medians means something where the numbers themselves do not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

SCRIPTS: Final = Path(__file__).parent / "scripts"
_ROOT: Final = Path(__file__).parent.parent
#: Why a peer without an interpreter has no numbers.
NOT_MEASURED: Final = "not measured"
_MORE_ATTEMPTS: Final = 2


@dataclass(frozen=True)
class Settings:
    """What may be chosen on the command line."""

    #: Turns that each contestant gets.
    runs: int
    #: Chunks that a run streams.
    chunks: int
    #: A folder of cassettes; None leaves out what needs one.
    cassettes: Path | None
    #: Interactions that are replayed.
    interactions: int


@dataclass(frozen=True)
class Contestant:
    """One way of doing a contest's work."""

    name: str
    #: The script in `scripts/`, and what it is given.
    script: str
    arguments: tuple[str, ...] = ()
    #: The peer whose interpreter runs the script; None for this interpreter, which finds this project too.
    peer: str | None = None


@dataclass(frozen=True)
class Ratio:
    """A median, or with `under` a median divided by another, and what is wanted of it."""

    of: str
    under: str | None = None
    bound: tuple[Literal["at least", "at most"], float] | None = None


@dataclass(frozen=True)
class Contest:
    """Contestants who do the same work, and what of it is compared."""

    name: str
    title: str
    #: What the scripts' numbers count.
    unit: str
    contestants: tuple[Contestant, ...]
    ratios: tuple[Ratio, ...] = ()


@dataclass(frozen=True)
class Measured:
    """The numbers of one contestant, one for each turn; without any, `missing` says why."""

    contestant: Contestant
    numbers: tuple[float, ...]
    missing: str | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.numbers) if self.numbers else None

    @property
    def failed(self) -> bool:
        """Whether the script was run and gave no number."""
        return self.missing is not None and self.missing != NOT_MEASURED


@dataclass(frozen=True)
class Outcome:
    """How a contest ended."""

    contest: Contest
    measured: tuple[Measured, ...]

    def value(self, ratio: Ratio) -> float | None:
        """Return what `ratio` came to; None where one of its sides was not measured."""
        medians = {one.contestant.name: one.median for one in self.measured}
        above = medians[ratio.of]
        under = 1.0 if ratio.under is None else medians[ratio.under]
        return None if above is None or under is None else above / under

    @property
    def failed(self) -> bool:
        """Whether a script that could be run gave no number."""
        return any(one.failed for one in self.measured)


def hold(
    contest: Contest, runs: int, interpreters: Mapping[str, Path], tell: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Let the contestants take `runs` turns each. One that fails takes no more turns, and keeps nobody else from theirs.

    What they write stays until all have had their turns: where thousands of files have just been removed, ext4 passes over
    their places one by one, and each new file takes ten times as long. `tell` is told before each turn what is being run.
    """
    numbers: dict[str, list[float]] = {one.name: [] for one in contest.contestants}
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="harness-benchmark-") as folder:
        for turn in range(1, runs + 1):
            for one in contest.contestants:
                if one.peer is not None and one.peer not in interpreters:
                    missing[one.name] = NOT_MEASURED
                if one.name in missing:
                    continue
                tell(f"{contest.name}: {one.name} ({turn} of {runs})")
                try:
                    numbers[one.name].append(_turn(one, interpreters, folder))
                except _ScriptError as error:
                    missing[one.name] = str(error)
    return Outcome(
        contest,
        tuple(
            Measured(one, () if one.name in missing else tuple(numbers[one.name]), missing.get(one.name))
            for one in contest.contestants
        ),
    )


class _ScriptError(Exception):
    """A script printed no number; the text is the last thing that it said."""


def _turn(contestant: Contestant, interpreters: Mapping[str, Path], folder: str) -> float:
    """Return a contestant's number. A peer that fails, as one does that races with itself, is given two more attempts."""
    for _ in range(0 if contestant.peer is None else _MORE_ATTEMPTS):
        try:
            return _run(contestant, interpreters, folder)
        except _ScriptError:
            continue
    return _run(contestant, interpreters, folder)


def _run(contestant: Contestant, interpreters: Mapping[str, Path], folder: str) -> float:
    interpreter = Path(sys.executable) if contestant.peer is None else interpreters[contestant.peer]
    # A peer's environment is its own: nothing of this project's may be found there. Whoever installs a package has its
    # bytecode, and so has everybody here from the second turn on.
    kept_out = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in kept_out}
    environment["TMPDIR"] = folder
    if contestant.peer is None:
        environment["PYTHONPATH"] = str(_ROOT)
    command: Sequence[str | Path] = (interpreter, SCRIPTS / contestant.script, *contestant.arguments)
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise _ScriptError(f"failed with {ended.returncode}: {_last_line(ended.stderr)}")
    # The number is the last line: some peers print what they do.
    said = _last_line(ended.stdout)
    try:
        return float(said)
    except ValueError:
        raise _ScriptError(f"failed: printed {said!r}, which is no number") from None


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200]
