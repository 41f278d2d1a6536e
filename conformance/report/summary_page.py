"""A page about a run of the suite, from its JSON: `python -m conformance.report.summary_page report.json > page.md`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from conformance.contract.clauses import clause
from conformance.report.markdown import code, escaped, message
from conformance.run.report_files import suite_report
from harness.errors import ConformanceError, HarnessError
from harness.recording import load_toml
from harness.terminal import shown

#: The most bytes of a list of known faults.
_LARGEST: Final = 4 * 1024 * 1024


class KnownFault(Struct, frozen=True):
    """What users of a runtime have met, and where a run of the suite must show it."""

    says: str
    #: The clause that it breaks.
    clause: str
    #: A glob for the scenarios that show it, as in `close/*/collected/*`.
    scenarios: str

    def seen(self, document: dict[str, Any]) -> tuple[int, int] | None:
        """Return how many of the scenarios broke the clause in a run, by its document, and how many decided it.

        None is where it does not apply to the runtime: nothing is claimed then, and nothing can be found.
        """
        for row in document["clauses"]:
            if row["id"] == self.clause and row["status"] != "not-applicable":
                checks = [check for check in row["checks"] if fnmatchcase(check["scenario"], self.scenarios)]
                return sum(check["status"] == "failed" for check in checks), len(checks)
        return None


def read_known(path: Path) -> tuple[KnownFault, ...]:
    """Return the faults that a TOML file lists as `[[fault]]` with `says`, `clause` and `scenarios`.

    Raises:
        ConformanceError: it can't be read, an entry has other keys, or the contract has no such clause.
        UnreadableRecordingError: it is no plain file, or more than is read of one.
    """
    try:
        rows = load_toml(path, limit=_LARGEST)["fault"]
        faults = tuple(msgspec.convert(row, KnownFault) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise ConformanceError(f"'{path}' is no list of known faults ({type(error).__name__}: {error})") from error
    for fault in faults:
        clause(fault.clause)
    return faults


def render_summary(document: dict[str, Any], command: str, faults: Sequence[KnownFault] = ()) -> str:
    """Return the page of a run's document, `harness.conformance/1`: numbers per area, known faults, and for each clause that fell short the first evidence."""
    subject = document["subject"]
    counts: dict[str, Counter[str]] = {}
    for row in document["clauses"]:
        counts.setdefault(clause(row["id"]).area, Counter())[row["status"]] += 1
    statuses = ("passed", "failed", "not-testable", "not-applicable")
    lines = [
        f"# {escaped(subject['name'])} {escaped(subject['version'])} against the contract",
        "",
        f"Made by {code(command)} and `python -m conformance.report.summary_page`.",
        "",
        f"Declared capabilities: {escaped(', '.join(subject['capabilities']))}.",
        "",
        f"| area | {' | '.join(statuses)} |",
        "|---|---|---|---|---|",
        *(f"| {area} | {' | '.join(str(count[status]) for status in statuses)} |" for area, count in counts.items()),
        "",
        *_known(document, faults),
        "## What fell short",
        "",
        "| clause | level | scenarios | first evidence |",
        "|---|---|---|---|",
    ]
    for row in document["clauses"]:
        bad = [check for check in row["checks"] if check["status"] != "passed"]
        if row["status"] not in ("failed", "not-testable"):
            continue
        seen = next((found["message"] for check in bad for found in check["violations"]), "nothing decides it")
        evidence = f"{code(bad[0]['scenario'])}: {message(seen)}" if bad else seen
        lines.append(f"| {row['id']} | {escaped(row['level'])} | {len(bad)} of {len(row['checks'])} | {evidence} |")
    lines += ["", "## What does not apply", "", "| clause | level | needs, and is not declared |", "|---|---|---|"]
    declared = frozenset(subject["capabilities"])
    for row in document["clauses"]:
        if row["status"] == "not-applicable":
            undeclared = sorted(clause(row["id"]).capabilities - declared)
            needs = ", ".join(undeclared) or "more than is declared, to be shown"
            lines.append(f"| {row['id']} | {escaped(row['level'])} | {needs} |")
    return "\n".join(lines) + "\n"


def _known(document: dict[str, Any], faults: Sequence[KnownFault]) -> Iterator[str]:
    if not faults:
        return
    yield "## Faults that were known before"
    yield ""
    yield "| fault | clause | found in |"
    yield "|---|---|---|"
    for fault in faults:
        seen, found = fault.seen(document), "not declared"
        if seen is not None:
            found = f"{seen[0]} of {seen[1]} scenarios {code(fault.scenarios)}" if seen[0] else "**nothing**"
        yield f"| {escaped(fault.says)} | {fault.clause} | {found} |"
    yield ""


def _command(document: dict[str, Any]) -> str:
    """Return the command that a report was made by, as far as it tells."""
    by_name = ["harness", "conformance", "--runtime", document["subject"]["name"]]
    return str(document.get("command") or shlex.join(by_name))


def main(arguments: Sequence[str]) -> int:
    """Write the page; return 1 where a known fault that applies was not found, 2 where a file can't be used."""
    try:
        document = suite_report(Path(arguments[0]))
        faults = read_known(Path(arguments[1])) if len(arguments) > 1 else ()
        page = render_summary(document, f"{_command(document)} --json FILE", faults)
    except HarnessError as error:
        sys.stderr.write(f"error: {shown(str(error))}\n")
        return 2
    sys.stdout.write(shown(page, lines=True))
    return 1 if any((fault.seen(document) or (1,))[0] == 0 for fault in faults) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
