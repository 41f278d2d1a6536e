"""The page about one run of the suite: numbers per area, evidence that stays the same from run to run, what does not apply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.report.summary_page import KnownFault, main, read_known, render_summary
from harness.errors import ConformanceError
from tests.conformance.report.test_causes import HOSTILE, rendered


def document() -> dict[str, Any]:
    late = {"seq": 7, "message": "task 'Task-12' | <Session object at 0x7f00> \n stayed"}
    counts = {"passed": 1, "failed": 1, "not_testable": 1}
    return {
        "format": "harness.conformance/1",
        "summary": {"must": counts, "should": counts, "not_applicable": 1},
        "subject": {"name": "mine", "version": "2.0", "capabilities": ["flow"]},
        "clauses": [
            {"id": "order.delivery", "level": "MUST", "status": "passed", "checks": []},
            {
                "id": "cleanup.no-leaks",
                "level": "MUST",
                "status": "failed",
                "checks": [
                    {"scenario": "close/one", "status": "passed", "violations": []},
                    {"scenario": "close/two", "status": "failed", "violations": [late]},
                ],
            },
            {"id": "session.replay", "level": "MUST", "status": "not-testable", "checks": []},
            {"id": "turn.sequence", "level": "MUST", "status": "not-applicable", "checks": []},
        ],
    }


def test_a_page_has_numbers_per_area_and_the_first_evidence_of_what_fell_short() -> None:
    page = render_summary(document(), "harness conformance --runtime mine:Mine").splitlines()

    assert page[0] == "# mine 2.0 against the contract"
    assert page[2].startswith("Made by <code>harness conformance --runtime mine:Mine</code> and ")
    assert "| order | 1 | 0 | 0 | 0 |" in page
    assert "| cleanup | 0 | 1 | 0 | 0 |" in page
    evidence = "<code>close/two</code>: <code>task 'Task-…' &#124; &#60;Session object…&#62; stayed</code>"
    assert f"| cleanup.no-leaks | MUST | 1 of 2 | {evidence} |" in page
    assert "| session.replay | MUST | 0 of 0 | nothing decides it |" in page
    assert "| turn.sequence | MUST | turn |" in page


def fault(clause: str, scenarios: str) -> KnownFault:
    return KnownFault(f"{clause} breaks", clause, scenarios)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (fault("cleanup.no-leaks", "close/*"), "1 of 2 scenarios <code>close/&#42;</code>"),
        (fault("cleanup.no-leaks", "close/one"), "**nothing**"),
        (fault("order.delivery", "*"), "**nothing**"),
        (fault("turn.sequence", "*"), "not declared"),
        (fault("llm.usage", "*"), "not declared"),
    ],
    ids=str,
)
def test_a_known_fault_is_found_where_its_clause_broke_in_its_scenarios(known: KnownFault, says: str) -> None:
    page = render_summary(document(), "", [known])
    assert f"| {known.says} | {known.clause} | {says} |" in page.splitlines()


def test_nothing_in_a_report_is_markup_of_the_page(tmp_path: Path) -> None:
    hostile = document()
    hostile["subject"] = {"name": HOSTILE, "version": HOSTILE, "capabilities": [HOSTILE]}
    for row in hostile["clauses"]:
        row |= {"level": HOSTILE, "checks": [{**check, "scenario": HOSTILE} for check in row["checks"]]}
    hostile["clauses"][1]["checks"][1]["violations"] = [{"seq": 1, "message": HOSTILE}]
    known = KnownFault(HOSTILE, "cleanup.no-leaks", "*")
    (tmp_path / "page.md").write_text(render_summary(hostile, HOSTILE, [known]), encoding="utf-8")

    page, said = rendered(tmp_path / "page.md"), " ".join(HOSTILE.split())
    assert [heading.text for heading in page.all("h1")] == [f"{said} {said} against the contract"]
    cells = [[cell.text for cell in row.all("td")] for table in page.all("table")[1:] for row in table.all("tr")[1:]]
    assert cells == [
        [said, "cleanup.no-leaks", "1 of 2 scenarios *"],
        ["cleanup.no-leaks", said, "1 of 2", f"{said}: {said}"],
        ["session.replay", said, "0 of 0", "nothing decides it"],
        ["turn.sequence", said, "turn"],
    ]
    assert [page.all(tag) for tag in ("img", "a", "strong")] == [[], [], []]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ({"command": "harness conformance --runtime mine:Mine"}, "harness conformance --runtime mine:Mine --json FILE"),
        ({}, "harness conformance --runtime mine --json FILE"),
    ],
)
def test_a_page_says_how_its_run_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: dict[str, str], says: str
) -> None:
    (tmp_path / "report.json").write_text(json.dumps(document() | command))
    assert main([str(tmp_path / "report.json")]) == 0
    assert f"Made by <code>{says}</code> and" in capsys.readouterr().out


@pytest.mark.parametrize(("scenarios", "code"), [("close/two", 0), ("close/one", 1)])
def test_a_known_fault_that_is_not_found_ends_the_command_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scenarios: str, code: int
) -> None:
    report, known = tmp_path / "report.json", tmp_path / "known.toml"
    report.write_text(json.dumps(document()))
    known.write_text(f'[[fault]]\nsays = "it leaks"\nclause = "cleanup.no-leaks"\nscenarios = "{scenarios}"\n')
    assert main([str(report), str(known)]) == code
    assert "| it leaks |" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    ["", "fault = 1", '[[fault]]\nsays = "x"\n', '[[fault]]\nsays = "x"\nclause = "no.such"\nscenarios = "*"\n', "["],
)
def test_a_list_of_known_faults_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(ConformanceError):
        read_known(path)


def test_the_known_faults_of_the_reference_name_clauses_and_scenarios_that_there_are() -> None:
    from fnmatch import fnmatchcase

    from conformance.areas.catalogue import scenarios

    for fault in read_known(Path("docs/crewai-1.15.known.toml")):
        assert any(fnmatchcase(name, fault.scenarios) for name in scenarios()), fault
