"""The JUnit XML says what the cases say, in the shape that CI servers read."""

from __future__ import annotations

from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from conformance.report import Case, junit, replay_cases
from conformance.report.case import CaseStatus
from conformance.run.replay import ReplayResult, report
from conformance.timeline.check import Violation
from harness.errors import RecordingError

OUTCOMES: tuple[CaseStatus, ...] = get_args(CaseStatus)

CASES = (
    Case("a.yaml", "interaction 1", "passed"),
    Case(
        "b.yaml",
        "interaction 1",
        "failed",
        "2 violations",
        ("llm.usage: none", "order.seq-gapless at frame 3: gap"),
    ),
    Case("a.yaml", "interaction 2", "error", "torn at line 3"),
    Case("b.yaml", "interaction 2", "skipped", "GET example.com/models"),
    Case("b.yaml", "interaction 3", "failed"),
    Case("b.yaml", "interaction 4", "passed", details=("a note",)),
)
#: No element has a time, which nobody measures; a case that failed for no stated reason has its status as the message.
REPORT = """<?xml version='1.0' encoding='utf-8'?>
<testsuites tests="6" failures="2" errors="1" skipped="1">
  <testsuite name="a.yaml" tests="2" failures="0" errors="1" skipped="0">
    <testcase classname="a.yaml" name="interaction 1" />
    <testcase classname="a.yaml" name="interaction 2">
      <error message="torn at line 3" type="error">torn at line 3</error>
    </testcase>
  </testsuite>
  <testsuite name="b.yaml" tests="4" failures="2" errors="0" skipped="1">
    <testcase classname="b.yaml" name="interaction 1">
      <failure message="2 violations" type="failed">2 violations
llm.usage: none
order.seq-gapless at frame 3: gap</failure>
    </testcase>
    <testcase classname="b.yaml" name="interaction 2">
      <skipped message="GET example.com/models" type="skipped">GET example.com/models</skipped>
    </testcase>
    <testcase classname="b.yaml" name="interaction 3">
      <failure message="failed" type="failed" />
    </testcase>
    <testcase classname="b.yaml" name="interaction 4">
      <system-out>a note</system-out>
    </testcase>
  </testsuite>
</testsuites>
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "junit.xml"


def written(path: Path, *cases: Case) -> ET.Element:
    junit.write_cases(cases, path)
    return ET.parse(path).getroot()


def test_suites_stand_in_order_with_their_cases_and_counts_and_each_says_why_it_did_not_pass(path: Path) -> None:
    written(path, *CASES)

    assert path.read_text(encoding="utf-8") == REPORT


def test_no_cases_make_an_empty_report(path: Path) -> None:
    root = written(path)

    assert (root.tag, root.attrib["tests"], list(root)) == ("testsuites", "0", [])


@settings(max_examples=60, deadline=None)  # a write waits for the disk
@given(st.text(st.characters(exclude_categories=())), st.sampled_from(OUTCOMES))
def test_any_text_makes_a_file_that_parses(
    tmp_path_factory: pytest.TempPathFactory, text: str, status: CaseStatus
) -> None:
    path = tmp_path_factory.mktemp("junit") / "junit.xml"

    root = written(path, Case(text, text, status, text, (text,)))

    assert len(root.findall("*/testcase")) == 1


def test_characters_that_xml_forbids_are_replaced_one_by_one(path: Path) -> None:
    root = written(path, Case("s", "n", "failed", "a\x00b\x1b[31mc\ud83dd\ufffee\U0001f600\x9b31m\u202e\t<&>\n"))

    assert root[0][0][0].attrib["message"] == "a\ufffdb\ufffd[31mc\ufffdd\ufffde\U0001f600\\x9b31m\\u202e\t<&>\n"


def test_an_old_report_is_kept_where_the_new_one_cannot_be_made(path: Path) -> None:
    written(path, CASES[0])
    before = path.read_bytes()

    with pytest.raises(AttributeError):
        junit.write_cases([CASES[0], None], path)  # type: ignore[list-item]

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_path_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(RecordingError, match=r"file/junit\.xml"):
        junit.write_cases(CASES, tmp_path / "file" / "junit.xml")


def test_a_replay_gives_one_case_per_result() -> None:
    violations = [Violation("llm.sequence", 4, "no end"), Violation("llm.usage", None, "none")]
    results = [
        ReplayResult("a.yaml", "cassette", 2, "openai", True, "passed"),
        ReplayResult("a.yaml", "cassette", 3, "openai", True, "failed", violations=violations, message="2 violations"),
        ReplayResult("rec", "recording", None, "openai", True, "failed", diff=["missing #1 → –  llm"], message="moved"),
        ReplayResult("a.yaml", "cassette", 4, None, None, "not-a-call", message="GET example.com/"),
        ReplayResult("b.yaml", "cassette", None, None, None, "error", message="torn"),
    ]

    cases = replay_cases(report(results, seconds=1))

    assert cases == [
        Case("a.yaml", "interaction 2", "passed"),
        Case(
            "a.yaml", "interaction 3", "failed", "2 violations", ("llm.sequence at frame 4: no end", "llm.usage: none")
        ),
        Case("rec", "recording", "failed", "moved", ("missing #1 → –  llm",)),
        Case("a.yaml", "interaction 4", "skipped", "GET example.com/"),
        Case("b.yaml", "cassette", "error", "torn"),
    ]


def test_of_what_is_seen_in_the_whole_run_a_report_names_no_frame(path: Path) -> None:
    found = [{"seq": None, "message": "it raised nothing"}, {"seq": 3, "message": "gap"}]
    checks = [{"scenario": "flow/a", "status": "failed", "violations": found}]
    row = {"id": "order.delivery", "status": "failed", "checks": checks}
    junit.write({"format": "harness.conformance/1", "clauses": [row], "faults": []}, path)

    [reason] = ET.parse(path).iter("failure")
    assert (reason.attrib["message"], reason.text) == ("it raised nothing", "it raised nothing\nframe 3: gap")
