"""The page of a replay shows what its document says, needs nothing else, and takes all foreign text as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.contract.clauses import CLAUSES
from conformance.report import html
from conformance.run.replay import ReplayResult, report
from conformance.timeline.check import Violation
from tests.conformance.report.html_tree import HOSTILE, Node, parsed


def page(folder: Path, *results: ReplayResult) -> Node:
    return parsed(html.write(report(results, seconds=2.5), folder))


def passed(path: str, number: int | None = None, **rest: Any) -> ReplayResult:
    kind: Any = "recording" if number is None else "cassette"
    return ReplayResult(path, kind, number, "openai", True, "passed", **rest)


CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
BROKEN = ReplayResult(
    "tapes/chat.yaml",
    "cassette",
    2,
    "anthropic",
    False,
    "failed",
    frames=7,
    violations=[
        Violation("llm.sequence", 7, "the call never ends"),
        Violation("llm.sequence", 9, "a chunk follows"),
        Violation("llm.usage", None, "no usage"),
        Violation("later.clause", 1, "of a newer contract"),
    ],
    message="4 contract violations",
)
MOVED = ReplayResult(
    "tapes/plan",
    "recording",
    None,
    "openai",
    True,
    "failed",
    frames=31,
    text="\n1. Read\n2. Write",
    usage={"prompt_tokens": 1212, "completion_tokens": 34, "total_tokens": 1246},
    finish_reason="length",
    diff=["missing #7 → –  flow Plan", "added – → #8  flow Plan", "result changed"],
    message="not what was recorded, in 3 places",
)
RESULTS = (
    passed("tapes/chat.yaml", 1, frames=1014, text="Hello", usage={"prompt_tokens": 3, "completion_tokens": 5}),
    MOVED,
    BROKEN,
    passed("tapes/tools", tool_calls=[CALL], finish_reason="tool_calls"),
    ReplayResult("tapes/chat.yaml", "cassette", 3, None, None, "not-a-call", message="GET example.com/models"),
    ReplayResult("tapes/torn.yaml", "cassette", None, None, None, "error", message="torn at line 3"),
)


@pytest.fixture
def document(tmp_path: Path) -> Node:
    return page(tmp_path / "report", *RESULTS)


def row(document: Node, number: int) -> tuple[list[str], Node]:
    """The cells of the result at `number` (from 1) in the document, and the row with its details."""
    rows = document.all("tr")
    at = next(index for index, node in enumerate(rows) if node.attrs.get("id") == f"result-{number}")
    return [cell.text for cell in rows[at].all("th") + rows[at].all("td")], rows[at + 1]


def test_the_summary_shows_the_numbers_of_the_document(document: Node) -> None:
    (numbers,) = document.all("dl", "numbers")

    assert {tile.all("dt")[0].text: tile.all("dd")[0].text for tile in numbers.all("div")} == {
        "passed": "2",
        "failed": "2",
        "error": "1",
        "not a call": "1",
        "files": "4",
        "interactions": "3",
        "seconds": "2.5",
    }


def test_each_result_has_one_row_under_its_file(document: Node) -> None:
    (table,) = document.all("table", "results")

    assert [
        (body.all("b")[0].text, [node.attrs["id"] for node in body.all("tr", "result")]) for body in table.all("tbody")
    ] == [
        ("chat.yaml", ["result-1", "result-3", "result-5"]),
        ("plan", ["result-2"]),
        ("tools", ["result-4"]),
        ("torn.yaml", ["result-6"]),
    ]
    assert [tally.text for tally in table.all("span", "tally")] == [
        "1 failed 1 passed 1 not a call",
        "1 failed",
        "1 passed",
        "1 error",
    ]


@pytest.mark.parametrize(
    ("number", "cells"),
    [
        (1, ["interaction 1", "✓ passed", "openai streamed", "1,014", "3", "5", ""]),
        (2, ["recording", "✗ failed", "openai streamed", "31", "1,212", "34", "length"]),
        (3, ["interaction 2", "✗ failed", "anthropic at once", "7", "", "", ""]),
        (4, ["recording", "✓ passed", "openai streamed", "", "", "", "tool_calls"]),
        (5, ["interaction 3", "– not a call", "", "", "", "", ""]),
        (6, ["cassette", "! error", "", "", "", "", ""]),
    ],
)
def test_a_row_tells_status_provider_frames_tokens_and_finish(number: int, cells: list[str], document: Node) -> None:
    assert row(document, number)[0] == cells


@pytest.mark.parametrize("number", range(1, len(RESULTS) + 1))
def test_details_stand_open_only_where_something_fell_short(number: int, document: Node) -> None:
    (details,) = row(document, number)[1].all("details")

    assert ("open" in details.attrs) == (RESULTS[number - 1].status in {"failed", "error"})


def test_a_failure_shows_its_message_and_every_violation_with_its_clause(document: Node) -> None:
    details = row(document, 3)[1]

    assert details.all("p", "why")[0].text == "4 contract violations"
    assert [item.text for item in details.all("ul", "violations")[0].all("li")] == [
        "llm.sequence #7 the call never ends",
        "llm.sequence #9 a chunk follows",
        "llm.usage the run no usage",
        "later.clause #1 of a newer contract",
    ]


def test_a_difference_shows_its_lines_marked_by_kind(document: Node) -> None:
    lines = row(document, 2)[1].all("ul", "diff")[0].all("li")

    assert ["".join(line.strings()) for line in lines] == MOVED.diff
    assert [line.classes for line in lines] == [{"missing"}, {"added"}, set()]


def test_text_keeps_its_lines_and_tool_calls_read_as_calls(document: Node) -> None:
    assert "".join(row(document, 2)[1].all("pre")[0].strings()) == "\n" + MOVED.text
    assert row(document, 4)[1].all("pre")[0].text == 'get_weather({"city":"Paris"})'


def test_a_tool_call_of_another_shape_is_shown_as_it_came(tmp_path: Path) -> None:
    details = row(page(tmp_path, passed("tools", tool_calls=[{"name": "odd"}, {"ø\ud800": 1 << 70}])), 1)[1]

    assert details.all("pre")[0].text == f'{{"name":"odd"}} {{"ø\ufffd":{1 << 70}}}'


def test_broken_clauses_are_counted_and_say_what_they_demand(document: Node) -> None:
    table, *_ = document.all("table", "clauses")
    rows = {node.all("th")[0].text: [cell.text for cell in node.all("td")] for node in table.all("tbody")[0].all("tr")}

    assert {clause: cells[1:] for clause, cells in rows.items()} == {
        "llm.sequence": ["2", "1"],
        "llm.usage": ["1", "1"],
        "later.clause": ["1", "1"],
    }
    statement = " ".join(CLAUSES["llm.sequence"].statement.replace("`", "").split())
    assert rows["llm.sequence"][0] == f"MUST {statement}"
    assert rows["later.clause"][0] == "not in this version of the contract"


def test_every_link_leads_to_a_place_on_the_page(document: Node) -> None:
    ids = [node.attrs["id"] for node in document.walk() if "id" in node.attrs]
    targets = {link.attrs["href"] for link in document.all("a")}

    assert len(ids) == len(set(ids))
    assert targets == {f"#clause-{name}" for name in ("llm.sequence", "llm.usage", "later.clause")} | {
        f"#result-{number}" for number in (2, 3, 6)
    }
    assert {f"#{id_}" for id_ in ids} >= targets


TORN = RESULTS[-1]
NO_CALL = RESULTS[-2]


@pytest.mark.parametrize(
    ("results", "headline", "status"),
    [
        ((passed("a"),), "The one result holds", "passed"),
        ((passed("a"), passed("b"), NO_CALL), "All 2 hold", "passed"),
        ((passed("a"), MOVED), "1 of 2 fell short", "failed"),
        ((passed("a"), TORN), "1 could not be judged", "error"),
        ((passed("a"), MOVED, TORN), "1 could not be judged, 1 of 2 fell short", "error"),
        ((NO_CALL,), "Nothing was checked", "error"),
        ((), "Nothing was checked", "error"),
    ],
    ids=["one", "all", "failed", "error", "both", "no call", "empty"],
)
def test_the_headline_agrees_with_the_exit_code(
    results: tuple[ReplayResult, ...], headline: str, status: str, tmp_path: Path
) -> None:
    document = page(tmp_path, *results)

    assert document.all("h1")[0].text == headline
    assert document.all("header")[0].classes == {status}


def test_where_all_holds_no_section_speaks_of_failures(tmp_path: Path) -> None:
    document = page(tmp_path, passed("a", text="Hello"))

    assert [heading.text for heading in document.all("h2")] == ["Results"]
    assert document.all("input") == []


def test_hostile_text_stays_text_wherever_it_stands(tmp_path: Path) -> None:
    hostile = ReplayResult(
        HOSTILE,
        "cassette",
        1,
        HOSTILE,
        True,
        "failed",
        text=HOSTILE,
        tool_calls=[{"function": {"name": HOSTILE, "arguments": HOSTILE}}],
        usage={HOSTILE: 1},
        finish_reason=HOSTILE,
        violations=[Violation(HOSTILE, 1, HOSTILE)],
        diff=[HOSTILE],
        message=HOSTILE,
    )

    document = page(tmp_path, hostile)
    tame = page(tmp_path, *(MOVED, BROKEN))

    assert {node.tag for node in document.walk()} <= {node.tag for node in tame.walk()}
    assert {link.attrs["href"].partition("-")[0] for link in document.all("a") if link.attrs["href"]} == {
        "#result",
        "#clause",
    }
    assert "".join(document.strings()).count(HOSTILE) >= 10


def test_the_same_document_gives_the_same_page(tmp_path: Path) -> None:
    one, other = (html.write(report(RESULTS, seconds=1), tmp_path / name) for name in ("one", "other"))

    assert one.read_bytes() == other.read_bytes()
    assert one.name == "index.html"
