"""JUnit XML, in the dialect that Jenkins, GitLab and the report actions of GitHub all read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from conformance.report.case import Case, CaseStatus, replay_cases, suite_cases
from conformance.report.characters import legal
from conformance.run import replay
from harness.recording import write_atomically

#: The element that says why a case did not pass.
_REASONS: Final[Mapping[CaseStatus, str]] = {"failed": "failure", "error": "error", "skipped": "skipped"}


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write the cases of a JSON document of a replay or a run of the suite, as `write_cases` does."""
    write_cases(replay_cases(document) if document["format"] == replay.FORMAT else suite_cases(document), path)


def write_cases(cases: Iterable[Case], path: Path) -> None:
    """Write `cases` to `path`, grouped by suite; suites and their cases stand in the order given."""
    every = list(cases)
    root = ET.Element("testsuites", _counts(every))
    suites: defaultdict[str, list[Case]] = defaultdict(list)
    for case in every:
        suites[case.suite].append(case)
    for name, members in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": legal(name), **_counts(members)})
        suite.extend(map(_testcase, members))
    ET.indent(root)
    write_atomically(path, ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _counts(cases: Collection[Case]) -> dict[str, str]:
    tally = Counter(case.status for case in cases)
    counts = {"tests": len(cases), "failures": tally["failed"], "errors": tally["error"], "skipped": tally["skipped"]}
    # No times, which nobody measures: readers would show 0 as a measurement.
    return {name: str(count) for name, count in counts.items()}


def _testcase(case: Case) -> ET.Element:
    element = ET.Element("testcase", {"classname": legal(case.suite), "name": legal(case.name)})
    text = "\n".join(dict.fromkeys(filter(None, (case.message, *case.details))))
    if case.status in _REASONS:
        # Some readers show the attribute, some the text, so the message stands in both.
        reason = ET.SubElement(
            element, _REASONS[case.status], message=legal(case.message or case.status), type=case.status
        )
        reason.text = legal(text) or None
    elif text:
        ET.SubElement(element, "system-out").text = legal(text)
    return element
