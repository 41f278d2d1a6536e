"""One thing that broke many clauses is one finding: in the terminal, on the page, in Markdown and in SARIF."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from conformance.commands.conformance import render_outcome
from conformance.contract.clauses import CLAUSES
from conformance.report import html, markdown, sarif
from conformance.report.causes import SharedCauses
from conformance.report.reruns import result_rerun
from conformance.run.judge import ClauseStatus, Decision
from conformance.run.outcome import ClauseOutcome, SuiteOutcome
from conformance.run.replay import ReplayResult, report
from conformance.timeline.check import Violation
from harness.errors import UsageError
from tests.conformance.report.html_tree import Node, parsed

LACKING = "the subject raised AttributeError: <Session object at 0x{}> has no attribute 'events'"
#: What would be more than text in Markdown or HTML.
HOSTILE = "a | b <img src=x onerror=alert(1)> [here](javascript:x) `code` **bold** @everyone\n# heading"


def clause(id_: str, *checks: tuple[str, ClauseStatus, str]) -> ClauseOutcome:
    decisions = tuple(
        (scenario, Decision(id_, status, (Violation(id_, 3, message),) if message else ()))
        for scenario, status, message in checks
    )
    worst: ClauseStatus = "failed" if any(status == "failed" for _, status, _ in checks) else "passed"
    return ClauseOutcome(CLAUSES[id_], worst, decisions)


def document(*clauses: ClauseOutcome, faults: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    able = frozenset({"flow", "llm"})
    return SuiteOutcome("my_probe", "1", able, clauses, faults, "harness conformance --runtime 'my mod:P'").document()


FALLEN = document(
    clause("order.delivery", ("flow/a", "failed", LACKING.format("7f01")), ("flow/b", "passed", "")),
    clause("order.seq-gapless", ("flow/a", "failed", LACKING.format("7f02")), ("flow/c", "failed", "gap at 4")),
    clause("session.lazy", ("session/a", "failed", LACKING.format("7f03"))),
    clause("session.replay", ("session/b", "failed", HOSTILE)),
    clause("result.value", ("flow/a", "passed", "")),
    faults=(("flow/z", "Traceback (most recent call last):\nKeyError: 'x'"),),
)


def test_what_says_the_same_but_for_addresses_is_one_cause_of_all_its_clauses() -> None:
    [cause] = SharedCauses(FALLEN).widest_first

    assert cause.clauses == ("order.delivery", "order.seq-gapless", "session.lazy")
    assert cause.scenarios == ("flow/a", "session/a")
    assert cause.message == LACKING.format("7f01")
    rows = {row["id"]: row for row in FALLEN["clauses"]}
    assert [id_ for id_, row in rows.items() if SharedCauses(FALLEN).of_all(row)] == ["order.delivery", "session.lazy"]


def test_the_terminal_tells_it_once_with_all_names() -> None:
    told = io.StringIO()
    render_outcome(Console(file=told, width=200), FALLEN)

    text = told.getvalue()
    assert text.count("has no attribute 'events'") == 1
    assert "3 clauses fell short of one cause" in text
    assert "order.delivery, order.seq-gapless, session.lazy" in text
    assert "flow/c at frame 3: gap at 4" in text
    assert text.splitlines()[-1].startswith("my_probe 1: MUST 1 passed, ")


def test_the_page_has_one_entry_with_a_link_to_each_and_the_commands_that_make_them_again(tmp_path: Path) -> None:
    page = parsed(html.write(FALLEN, tmp_path))

    [entries] = page.all("ul", "fallen")
    links = [[link.attrs["href"] for link in entry.all("a")] for entry in entries.all("li")]
    assert links == [
        ["#clause-order.delivery", "#clause-session.lazy"],
        ["#clause-order.seq-gapless"],
        ["#clause-session.replay"],
    ]
    assert "gap at 4" in entries.all("li")[1].text
    commands = [node.text for node in page.all("code", "again")]
    assert "harness conformance --runtime 'my mod:P' --clause session.lazy --scenario session/a" in commands


def rendered(path: Path) -> Node:
    """The summary as a reader of CommonMark with tables shows it."""
    page = path.with_suffix(".html")
    page.write_text(MarkdownIt("commonmark").enable("table").render(path.read_text(encoding="utf-8")), encoding="utf-8")
    return parsed(page)


def test_the_summary_has_numbers_causes_and_rows_and_foreign_text_is_text(tmp_path: Path) -> None:
    markdown.write(FALLEN, tmp_path / "summary.md")

    page = rendered(tmp_path / "summary.md")
    assert page.all("h3")[0].text == "⚠️ The suite itself failed in 1 scenario · my_probe 1"
    [folded] = page.all("details")
    assert "3 clauses, one cause: the subject raised AttributeError" in folded.text
    counts, rows = page.all("table")
    assert [cell.text for cell in counts.all("td")][:4] == ["MUST", "1", "4", "0"]
    cells = [[cell.text for cell in row.all("td")] for row in rows.all("tr")[1:]]
    assert [row[0] for row in cells] == ["order.seq-gapless", "session.replay"]
    assert cells[0][2:4] == ["2 of 2", "flow/c: gap at 4"]
    assert cells[1][3] == f"session/b: {' '.join(HOSTILE.split())}"
    assert not page.all("img")
    assert not page.all("strong")
    assert [link.attrs["href"] for link in page.all("a")] == []


def written_sarif(told: dict[str, Any], folder: Path) -> Any:
    """Return the one run of a SARIF file."""
    sarif.write(told, folder / "a.sarif")
    [run] = json.loads((folder / "a.sarif").read_text(encoding="utf-8"))["runs"]
    return run


def test_sarif_has_a_result_for_each_finding_and_one_for_a_cause(tmp_path: Path) -> None:
    run = written_sarif(FALLEN, tmp_path)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        "order.delivery",
        "order.seq-gapless",
        "session.replay",
    ]
    assert "order.delivery, order.seq-gapless, session.lazy" in run["results"][0]["message"]["text"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "KeyError" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_a_finding_of_sarif_is_the_same_in_the_next_run_whatever_its_addresses(tmp_path: Path) -> None:
    def finding(address: str) -> dict[str, Any]:
        told = clause("order.delivery", ("flow/a", "failed", LACKING.format(address)))
        return written_sarif(document(told), tmp_path)["results"][0]  # type: ignore[no-any-return]

    assert finding("7f01")["partialFingerprints"] == finding("8a99")["partialFingerprints"]


BROKEN = Violation("order.delivery", 2, HOSTILE)
REPLAYED: Any = report(
    [
        ReplayResult("rec/a b", "recording", None, None, None, "passed", 3),
        ReplayResult(
            "rec/ü", "recording", None, None, None, "failed", 3, diff=["changed at 2 | content"], violations=[BROKEN]
        ),
        ReplayResult("c.yaml", "cassette", 2, None, None, "error", message="torn at line 3"),
    ],
    1.5,
)


def test_a_replay_has_both_reports_too(tmp_path: Path) -> None:
    markdown.write(REPLAYED, tmp_path / "summary.md")

    rows = rendered(tmp_path / "summary.md").all("table")[1].all("tr")[1:]
    assert [[cell.text for cell in row.all("td")][:3] for row in rows] == [
        ["rec/ü", "❌", "changed at 2 | content"],
        ["c.yaml (interaction 2)", "⚠️", "torn at line 3"],
    ]
    assert rows[0].all("td")[3].text == "harness replay 'rec/ü' --verbose"
    assert result_rerun({"path": "-dash"}) == "harness replay ./-dash --verbose"
    run = written_sarif(REPLAYED, tmp_path)
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("order.delivery", "error"),
        ("replay.changed", "error"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "rec/%C3%BC"}}
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1


@pytest.mark.parametrize("write", [markdown.write, sarif.write, html.write], ids=["markdown", "sarif", "html"])
def test_another_document_has_no_report(write: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"harness\.conformance/1.*not of 'x/1'"):
        write({"format": "x/1"}, tmp_path / "report")
    assert list(tmp_path.iterdir()) == []
