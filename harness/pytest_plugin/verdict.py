"""What a test comes to beyond what it asserts: that it reached for the network, or does not fit what was played to it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest

from harness.pytest_plugin.places import OWNERS, shown

if TYPE_CHECKING:
    from harness.recording import NetworkGuard, Tape

#: Under this name, what a cassette has to say goes with a test's reports, to the end of the run, from other processes too.
NOTES: Final = "stream-harness"
#: What to do where a cassette and its test do not fit.
ADVICE: Final = pytest.StashKey[str]()
TAPE: Final = pytest.StashKey["Tape"]()
#: What became of a test: `passed`, `failed`, `skipped` or `xfailed`; None where it has not come to its end.
_OUTCOME: Final = pytest.StashKey[str | None]()
_GUARD: Final[pytest.StashKey[NetworkGuard]] = pytest.StashKey()
#: What a test has reported already of what its guard has stopped.
_REPORTED: Final = pytest.StashKey[set[str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, pytest.exit.Exception):
        # Of what its subtests came to, nothing is said of the test.
        item.stash[_OUTCOME] = None
        raise
    finally:
        blocked = newly_blocked(item)
    if blocked:
        pytest.fail(f"the test reached for the network, which is blocked:\n{listed(blocked)}", pytrace=False)
    tape = item.stash.get(TAPE, None)
    if tape is not None and not tape.records:
        _refuse(item, tape, [str(miss) for miss in tape.misses])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    outcome = "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome
    if call.when != "call":
        item.stash[_OUTCOME] = None
    elif item.stash.get(_OUTCOME, None) != "failed":
        # A subtest that failed was reported before its test, which may be told as one that passed.
        item.stash[_OUTCOME] = outcome
    return report


def conclude(item: pytest.Item, tape: Tape) -> None:
    """Fail where a test that has passed does not fit what was played to it; or note whose recording it is, and whether of all."""
    outcome = item.stash.get(_OUTCOME, None)
    # One that was skipped, or failed before it asked for anything, has nothing to keep.
    tape.is_interrupted = outcome is None or not (outcome == "passed" or tape.recorded)
    tape.has_failed = outcome in ("failed", "skipped")
    if tape.recorded:
        item.config.stash.setdefault(OWNERS, {})[tape.path] = item.nodeid
    if not tape.records and outcome == "passed":
        from harness.recording import Redactor

        unplayed = (
            f"unplayed: {interaction.request.method} {interaction.request.url}" for interaction in tape.unplayed
        )
        _refuse(item, tape, [*(str(miss) for miss in tape.misses), *map(Redactor().text, unplayed)])


def _refuse(item: pytest.Item, tape: Tape, problems: list[str]) -> None:
    """Fail where there are problems with the tape of a test."""
    if problems:
        message = f"cassette '{shown(tape.path)}' and the test do not fit:\n{listed(problems)}\n{item.stash[ADVICE]}"
        pytest.fail(message, pytrace=False)


def watch(item: pytest.Item, guard: NetworkGuard) -> None:
    """Have a test answer for what `guard` stops. One that is run again has a new one, and has reported nothing of it."""
    item.stash[_GUARD] = guard
    item.stash[_REPORTED] = set()


def newly_blocked(item: pytest.Item) -> list[str]:
    """Return what was stopped on its way to the network since this was asked, whatever became of the errors."""
    guard = item.stash.get(_GUARD, None)
    if guard is None:
        return []
    reported = item.stash[_REPORTED]
    new = [attempt for attempt in map(str, guard.blocked) if attempt not in reported]
    reported.update(new)
    return new


def listed(problems: list[str]) -> str:
    """Return problems as the lines of a message."""
    return "\n".join(f"  {problem}" for problem in problems)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    sections = (section for report in reports for section in getattr(report, "sections", ()))
    notes = dict.fromkeys(text for title, text in sections if NOTES in title)
    if notes:
        terminalreporter.section(NOTES)
        for text in notes:
            terminalreporter.write_line(text)
