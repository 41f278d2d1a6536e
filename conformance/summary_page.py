"""A page about one run of the suite, made from its JSON: `python -m conformance.summary_page report.json > page.md`."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from conformance.clauses import CLAUSES

#: How much of a message fits into a cell.
_SHOWN = 160
#: What differs from run to run and tells nothing.
_VOLATILE = re.compile(r" at 0x[0-9a-f]+|(?<=Task-)\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")


def render_summary(document: dict[str, Any], command: str) -> str:
    """Return the page: numbers per area, and for each clause that fell short the first piece of evidence."""
    subject = document["subject"]
    counts: dict[str, Counter[str]] = {}
    for row in document["clauses"]:
        counts.setdefault(CLAUSES[row["id"]].area, Counter())[row["status"]] += 1
    statuses = ("passed", "failed", "not-testable", "not-applicable")
    lines = [
        f"# {subject['name']} {subject['version']} against the contract",
        "",
        f"Made by `{command}` and `python -m conformance.summary_page`.",
        "",
        f"Declared capabilities: {', '.join(subject['capabilities'])}.",
        "",
        f"| area | {' | '.join(statuses)} |",
        "|---|---|---|---|---|",
        *(f"| {area} | {' | '.join(str(count[status]) for status in statuses)} |" for area, count in counts.items()),
        "",
        "## What fell short",
        "",
        "| clause | level | scenarios | first evidence |",
        "|---|---|---|---|",
    ]
    for row in document["clauses"]:
        bad = [check for check in row["checks"] if check["status"] != "passed"]
        if row["status"] not in ("failed", "not-testable"):
            continue
        told = next((one["message"] for check in bad for one in check["violations"]), "nothing decides it")
        evidence = f"`{bad[0]['scenario']}`: {_cell(told)}" if bad else told
        lines.append(f"| {row['id']} | {row['level']} | {len(bad)} of {len(row['checks'])} | {evidence} |")
    lines += ["", "## What does not apply", "", "| clause | level | needs, and is not declared |", "|---|---|---|"]
    declared = frozenset(subject["capabilities"])
    for row in document["clauses"]:
        if row["status"] == "not-applicable":
            undeclared = sorted(CLAUSES[row["id"]].capabilities - declared)
            needs = ", ".join(undeclared) or "more than is declared, to be shown"
            lines.append(f"| {row['id']} | {row['level']} | {needs} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    line = " ".join(_VOLATILE.sub("…", text).replace("|", "\\|").split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


if __name__ == "__main__":
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(render_summary(report, f"harness conformance --runtime {report['subject']['name']} --json FILE"))
