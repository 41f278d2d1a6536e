"""The page of a run of the suite says what its document says, agrees with the exit code, and takes foreign text as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.contract.clauses import CLAUSES
from conformance.report import html
from conformance.run.baseline import hold
from conformance.run.judge import ClauseStatus, Decision
from conformance.run.outcome import ClauseOutcome, SuiteOutcome
from conformance.timeline.check import Violation
from tests.conformance.report.html_tree import HOSTILE, Node, parsed

ABLE = frozenset({"flow", "llm"})


def found(seq: int | None, message: str) -> Violation:
    return Violation("order.delivery", seq, message)


def decided(
    clause: str, status: ClauseStatus, *decisions: tuple[str, ClauseStatus, tuple[Violation, ...]]
) -> ClauseOutcome:
    rows = tuple((scenario, Decision(clause, each, broken)) for scenario, each, broken in decisions)
    return ClauseOutcome(CLAUSES[clause], status, rows)


def outcome(*clauses: ClauseOutcome, faults: tuple[tuple[str, str], ...] = ()) -> SuiteOutcome:
    return SuiteOutcome("probe", "1.2", ABLE, clauses, faults)


def page(folder: Path, suite: SuiteOutcome, held: dict[str, Any] | None = None) -> Node:
    document = suite.document()
    if held is not None:
        document["baseline"] = held
    return parsed(html.write(document, folder))


HELD = decided("envelope.event-alias", "passed", ("flow/a", "passed", ()), ("flow/b", "passed", ()))
BROKEN = decided(
    "order.delivery",
    "failed",
    ("flow/a", "failed", (found(3, "3 came before 2"), found(None, "frames are missing"))),
    ("flow/b", "passed", ()),
    ("flow/c", "failed", ()),
)
UNDECIDED = decided("order.seq-gapless", "not-testable", ("flow/a", "not-testable", ()))
LONELY = decided("llm.usage", "not-testable")
NOT_MINE = decided("turn.sequence", "not-applicable")
SHOULD = decided("channel.by-table", "passed", ("flow/a", "passed", ()))
BROKEN_SHOULD = decided("channel.by-table", "failed", ("flow/a", "failed", (found(1, "it is decided by its name"),)))
#: What a scenario breaks as a whole, that is for other clauses too.
HUNG = decided("channel.messages", "not-applicable", ("vocabulary/a", "failed", (found(None, "it hung"),)))
FAULT = (("flow/c", "Traceback (most recent call last):\n  KeyError: 'x'"),)
EVERY = outcome(HELD, SHOULD, BROKEN, UNDECIDED, LONELY, NOT_MINE)


@pytest.fixture
def document(tmp_path: Path) -> Node:
    return page(tmp_path / "report", EVERY)


def violations(document: Node, clause: str) -> list[str]:
    """What stands below the row of a clause."""
    rows = document.all("tr")
    at = next(index for index, node in enumerate(rows) if node.attrs.get("id") == f"clause-{clause}")
    return [item.text for item in rows[at + 1].all("li")] if "more" in rows[at + 1].classes else []


def test_the_subject_is_named_with_what_it_declares_and_what_not(document: Node) -> None:
    [about] = document.all("p", "about")

    assert about.text == (
        "probe 1.2 declares flow, llm; it does not declare turn, crew, async, feedback, checkpoint, threads, tools, "
        "thinking, backpressure"
    )


def test_the_numbers_are_the_counts_per_level(document: Node) -> None:
    [numbers] = document.all("dl", "numbers")

    assert {tile.all("dt")[0].text: int(tile.all("dd")[0].text) for tile in numbers.all("div")} == {
        "MUST passed": 1,
        "MUST failed": 1,
        "MUST not testable": 2,
        "SHOULD passed": 1,
        "SHOULD failed": 0,
        "SHOULD not testable": 0,
        "not applicable": 1,
    }


def test_clauses_stand_under_their_areas_with_marks_and_statements(document: Node) -> None:
    [table] = document.all("table", "results")

    assert [
        (body.all("b")[0].text, [tuple(cell.text for cell in row.children[1:4:2] if isinstance(cell, Node)) for row in body.all("tr", "result")])
        for body in table.all("tbody")
    ] == [
        ("envelope", [("envelope.event-alias", "✓ passed")]),
        ("channel", [("channel.by-table", "✓ passed")]),
        ("order", [("order.delivery", "✗ failed"), ("order.seq-gapless", "? not testable")]),
        ("llm", [("llm.usage", "? not testable")]),
        ("turn", [("turn.sequence", "– not applicable")]),
    ]  # fmt: skip
    assert [tally.text for tally in table.all("span", "tally")] == [
        "1 passed", "1 passed", "1 failed 1 not testable", "1 not testable", "1 not applicable"
    ]  # fmt: skip
    for row in EVERY.clauses:
        [shown] = [node for node in table.all("tr", "result") if node.attrs["id"] == f"clause-{row.clause.id}"]
        statement = " ".join(row.clause.statement.replace("`", "").split())
        assert f"{row.clause.level} {statement}" in shown.text


def test_what_is_not_applicable_tells_what_it_needs(document: Node) -> None:
    [row] = [node for node in document.all("tr", "result") if "not-applicable" in node.classes]

    assert row.text.endswith("(needs turn)")


def test_a_failing_clause_shows_every_violation_with_its_scenario_and_place(document: Node) -> None:
    assert violations(document, "order.delivery") == [
        "flow/a #3 3 came before 2",
        "flow/a the run frames are missing",
        "flow/c the run fell short",
    ]


def test_what_was_not_decided_says_who_was_to_decide_it(document: Node) -> None:
    assert violations(document, "order.seq-gapless") == ["flow/a the run was to decide it and could not"]
    assert violations(document, "llm.usage") == ["no scenario nothing in this run decides it"]
    assert violations(document, "envelope.event-alias") == []


@pytest.mark.parametrize(("count", "is_open"), [(20, True), (21, False)])
def test_many_violations_are_folded_behind_the_first_and_all_there(count: int, is_open: bool, tmp_path: Path) -> None:
    many = tuple(found(number, f"fault {number}") for number in range(1, count + 1))
    document = page(tmp_path, outcome(decided("order.delivery", "failed", ("flow/a", "failed", many))))
    [details] = document.all("details")

    assert ("open" in details.attrs) == is_open
    assert details.all("summary")[0].text.startswith(f"{count} violations, the first: fault 1")
    assert violations(document, "order.delivery") == [
        f"flow/a #{number} fault {number}" for number in range(1, count + 1)
    ]


def test_what_fell_short_is_listed_above_with_links(document: Node) -> None:
    [fallen] = document.all("ul", "fallen")

    assert [(item.all("a")[0].attrs["href"], item.text) for item in fallen.all("li")] == [
        ("#clause-order.delivery", "✗ failed order.delivery 3 came before 2"),
        ("#clause-order.seq-gapless", "? not testable order.seq-gapless"),
        ("#clause-llm.usage", "? not testable llm.usage"),
    ]
    ids = [node.attrs["id"] for node in document.walk() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    assert {f"#{id_}" for id_ in ids} >= {link.attrs["href"] for link in document.all("a")}


def test_what_does_not_apply_and_fails_all_the_same_is_shown(tmp_path: Path) -> None:
    document = page(tmp_path, outcome(HELD, HUNG))

    assert [item.text for item in document.all("ul", "fallen")[0].all("li")] == ["✗ failed channel.messages it hung"]
    assert violations(document, "channel.messages") == ["vocabulary/a the run it hung"]


def test_faults_of_the_suite_stand_apart(tmp_path: Path) -> None:
    document = page(tmp_path, outcome(HELD, faults=FAULT))

    assert [heading.text for heading in document.all("h2")] == ["Faults of the suite itself", "Clauses"]
    assert document.all("h3")[0].text == "flow/c"
    assert "".join(document.all("pre")[0].strings()).strip() == FAULT[0][1]


def test_where_all_holds_no_section_speaks_of_failures(tmp_path: Path) -> None:
    document = page(tmp_path, outcome(HELD, SHOULD, NOT_MINE))

    assert [heading.text for heading in document.all("h2")] == ["Clauses"]
    assert document.all("input") == []


@pytest.mark.parametrize(
    ("suite", "headline", "status"),
    [
        (outcome(HELD), "The one clause holds", "passed"),
        (outcome(HELD, SHOULD, NOT_MINE), "All 2 clauses hold", "passed"),
        (outcome(HELD, BROKEN), "1 of 2 MUSTs fell short", "failed"),
        (outcome(HELD, UNDECIDED), "1 of 2 MUSTs fell short", "failed"),
        (outcome(HELD, LONELY), "1 of 2 MUSTs fell short", "failed"),
        (outcome(HELD, HUNG), "1 of 2 MUSTs fell short", "failed"),
        (outcome(HELD, BROKEN_SHOULD), "1 of 1 SHOULDs fell short", "passed"),
        (outcome(HELD, BROKEN, BROKEN_SHOULD), "1 of 2 MUSTs, 1 of 1 SHOULDs fell short", "failed"),
        (outcome(HELD, BROKEN, faults=FAULT), "The suite itself failed in 1 scenario", "error"),
        (outcome(HELD, faults=FAULT * 2), "The suite itself failed in 2 scenarios", "error"),
        (outcome(NOT_MINE), "Nothing was checked", "error"),
        (outcome(UNDECIDED), "Nothing was checked", "error"),
        (outcome(), "Nothing was checked", "error"),
    ],
)
def test_the_headline_agrees_with_the_exit_code(
    suite: SuiteOutcome, headline: str, status: str, tmp_path: Path
) -> None:
    document = page(tmp_path, suite)

    assert document.all("h1")[0].text == headline
    assert document.all("header")[0].classes == {status}
    assert suite.exit_code() == {"passed": 0, "failed": 1, "error": 2}[status]


KNOWN = (("order.delivery", "flow/a"), ("order.delivery", "flow/c"))


@pytest.mark.parametrize(
    ("suite", "expected", "headline", "status", "rows"),
    [
        (outcome(HELD, BROKEN), KNOWN, "As expected: 1 clause fell short", "passed", []),
        (outcome(HELD), (), "As expected: all hold", "passed", []),
        (outcome(BROKEN), KNOWN[1:], "1 new failure", "failed", ["order.delivery flow/a new failure"]),
        (
            outcome(BROKEN),
            (*KNOWN, ("order.delivery", "")),
            "1 stale entry",
            "failed",
            ["order.delivery no scenario stale entry: it did not fail"],
        ),
        (
            outcome(BROKEN, HELD),
            (("envelope.event-alias", "flow/a"), ("envelope.event-alias", "flow/b")),
            "2 new failures, 2 stale entries",
            "failed",
            [
                "order.delivery flow/a new failure",
                "order.delivery flow/c new failure",
                "envelope.event-alias flow/a stale entry: it did not fail",
                "envelope.event-alias flow/b stale entry: it did not fail",
            ],
        ),
    ],
    ids=["known", "none", "new", "stale", "both"],
)
def test_with_a_baseline_the_headline_is_what_differs_from_it(
    suite: SuiteOutcome,
    expected: tuple[tuple[str, str], ...],
    headline: str,
    status: str,
    rows: list[str],
    tmp_path: Path,
) -> None:
    held = hold(suite, frozenset(expected))
    document = page(tmp_path, suite, held)

    assert document.all("h1")[0].text == headline
    assert document.all("header")[0].classes == {status}
    assert (not any(held.values())) == (status == "passed")
    tables = document.all("table", "surprises")
    assert [row.text for table in tables for body in table.all("tbody") for row in body.all("tr")] == rows


def test_hostile_text_stays_text_wherever_it_stands(tmp_path: Path) -> None:
    check = {"scenario": HOSTILE, "status": "failed", "violations": [{"seq": 1, "message": HOSTILE}]}
    entry = {"clause": HOSTILE, "scenario": HOSTILE}
    document: dict[str, Any] = {
        **EVERY.document(),
        "subject": {"name": HOSTILE, "version": HOSTILE, "capabilities": [HOSTILE]},
        "clauses": [{"id": f"{HOSTILE}.x", "level": HOSTILE, "status": "failed", "checks": [check]}],
        "faults": [{"scenario": HOSTILE, "message": HOSTILE}],
        "baseline": {"new": [entry], "stale": [entry]},
    }

    hostile = parsed(html.write(document, tmp_path))

    assert [link.attrs["href"] for link in hostile.all("a")] == [f"#clause-{HOSTILE}.x"]
    assert "".join(hostile.strings()).count(HOSTILE) >= 10
