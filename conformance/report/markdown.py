"""A summary in Markdown, as it stands in a pull request or on the page of a CI run: the verdict, the numbers, what fell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.report import conformance_page, replay_page
from conformance.report.case import result_name
from conformance.report.causes import SharedCauses, first_message, stable
from conformance.report.characters import legal
from conformance.report.headlines import Headline
from conformance.report.matrix import FORMAT as MATRIX, telling, words_of
from conformance.report.reruns import result_rerun, scenario_rerun
from conformance.run import outcome, replay
from harness.errors import UsageError
from harness.recording import counted, write_atomically

_MARKS: Final = {"passed": "✅", "failed": "❌", "error": "⚠️", "not-testable": "❔", "not-applicable": "–"}
#: A comment on GitHub holds 65,536 characters, and a reader less.
_MOST_ROWS: Final = 60
_MOST_WORDS: Final = 160
#: What Markdown and HTML would take for more than text. Names and numbers that a code host makes links of are left to
#: it where they are our own, and stand in code where they come from elsewhere.
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]<>|~&$]")


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write the summary of a JSON document to `path`."""
    if document.get("format") not in _SUMMARIES:
        known = " or ".join(map(repr, _SUMMARIES))
        raise UsageError(f"a summary can be made of {known}, not of {document.get('format')!r}")
    write_atomically(path, legal("\n".join(_SUMMARIES[document["format"]](document)) + "\n").encode())


def _suite(document: Mapping[str, Any]) -> Iterator[str]:
    subject = document["subject"]
    yield _headline(conformance_page.verdict(document), f"{subject['name']} {subject['version']}")
    yield ""
    yield "| | passed | failed | not testable |"
    yield "|---|--:|--:|--:|"
    for level in ("must", "should"):
        counts = document["summary"][level]
        yield f"| {level.upper()} | {counts['passed']} | {counts['failed']} | {counts['not_testable']} |"
    for fault in document["faults"]:
        last = fault["message"].strip().rpartition("\n")[2]
        yield from ("", f"⚠️ The suite itself failed in {code(fault['scenario'])}: {message(last)}")
    shared = SharedCauses(document)
    for cause in shared.widest_first:
        names = ", ".join(map(code, cause.clauses))
        heading = f"{counted(len(cause.clauses), 'clause')}, one cause: {message(cause.message)}"
        where = counted(len(cause.scenarios), "scenario")
        yield from ("", f"<details><summary>{heading}</summary>", "", f"{names}, in {where}.", "")
        command = scenario_rerun(document, cause.clauses[0], cause.scenarios[0])
        yield from () if command is None else (f"Again: {code(command)}", "")
        yield "</details>"
    fell = [row for row in document["clauses"] if conformance_page.fell(row) and shared.of_all(row) is None]
    if fell:
        yield from ("", "| clause | | scenarios | first evidence | again |", "|---|---|--:|---|---|")
        yield from _cut([_clause(document, row, shared) for row in fell], "| … | | | {} more | |")


def _clause(document: Mapping[str, Any], row: Mapping[str, Any], shared: SharedCauses) -> str:
    bad = [check for check in row["checks"] if check["status"] in ("failed", "not-testable")]
    status = row["status"] if row["status"] != "not-applicable" else "failed"
    # What it shares with others has been said.
    first = next((check for check in bad if shared.of(check) is None), None)
    evidence = "no scenario decides it" if first is None else first_message(first) or first["status"]
    command = scenario_rerun(document, row["id"], None if first is None else first["scenario"])
    where = "" if first is None else f"{code(first['scenario'])}: "
    return (
        f"| {code(row['id'])} | {_MARKS[status]} {row['level']} | {len(bad)} of {len(row['checks'])} "
        f"| {where}{message(evidence)} | {code(command) if command else ''} |"
    )


def _replay(document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    yield _headline(replay_page.verdict(summary), counted(summary["files"], "file"))
    yield from ("", "| passed | failed | errors | not a call |", "|--:|--:|--:|--:|")
    yield f"| {summary['passed']} | {summary['failed']} | {summary['errors']} | {summary['not_a_call']} |"
    fell = [result for result in document["results"] if result["status"] in ("failed", "error")]
    if fell:
        yield from ("", "| recording | | why | again |", "|---|---|---|---|")
        yield from _cut(list(map(_result, fell)), "| … | | {} more | |")


def _result(result: Mapping[str, Any]) -> str:
    name = result["path"] if result["interaction"] is None else f"{result['path']} ({result_name(result)})"
    broken = [f"{violation['clause']}: {violation['message']}" for violation in result["violations"]]
    evidence = next(filter(None, (result["message"], *result["diff"], *broken)), "")
    return f"| {code(name)} | {_MARKS[result['status']]} | {message(evidence) if evidence else ''} | {code(result_rerun(result))} |"


def _matrix(document: Mapping[str, Any]) -> Iterator[str]:
    subjects, rows = document["subjects"], telling(document)
    names = " | ".join(escaped(subject["label"]) for subject in subjects)
    yield from (f"| clause | | {names} |", f"|---|---|{'---|' * len(subjects)}")
    yield from _cut(
        [f"| {code(row['id'])} | {row['level']} | {' | '.join(map(_cell, row['cells']))} |" for row in rows],
        f"| … | {'| ' * len(subjects)}| {{}} more |",
    )
    held = len(document["clauses"]) - len(rows)
    if held:
        yield from ("", f"{counted(held, 'clause')} more, of which all say the same.")


def _cell(cell: Mapping[str, Any] | None) -> str:
    return words_of(cell) if cell is None else f"{_MARKS[cell['status']]} {words_of(cell)}"


def _headline(verdict: Headline, about: str) -> str:
    return f"### {_MARKS[verdict.status]} {escaped(verdict.text)} · {escaped(about)}"


def _cut(rows: Sequence[str], rest: str) -> Iterator[str]:
    yield from rows[:_MOST_ROWS]
    if len(rows) > _MOST_ROWS:
        yield rest.format(len(rows) - _MOST_ROWS)


def message(text: str) -> str:
    """Return what was seen, not too long, as code."""
    line = " ".join(stable(text).split())
    return code(line if len(line) <= _MOST_WORDS else f"{line[:_MOST_WORDS]}…")


def code(text: str) -> str:
    """Return a text as code within a cell, whatever it holds."""
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """Return a text that is nothing but text, on one line."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


_SUMMARIES: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]]] = {
    replay.FORMAT: _replay,
    outcome.FORMAT: _suite,
    MATRIX: _matrix,
}
