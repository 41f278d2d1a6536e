"""Several runs side by side: what each says about each clause and scenario, and where they differ."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.report import html, markdown
from conformance.report.matrix import differs, read_matrix
from tests.commands.command_line import runner
from tests.conformance.report.html_tree import parsed
from tests.conformance.report.test_causes import clause, document, rendered

OLD = document(
    clause("order.delivery", ("flow/a", "failed", "3 came before 2"), ("flow/b", "passed", "")),
    clause("result.value", ("flow/a", "passed", "")),
    clause("session.lazy", ("session/a", "passed", "")),
)
NEW = document(
    clause("order.delivery", ("flow/a", "passed", ""), ("flow/b", "passed", "")),
    clause("result.value", ("flow/a", "passed", "")),
)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, report in zip(paths, (OLD, NEW), strict=True):
        path.write_text(json.dumps(report), encoding="utf-8")
    return paths


def told(row: Any) -> list[str | None]:
    return [None if cell is None else cell["status"] for cell in row["cells"]]


def test_each_clause_has_a_cell_for_each_run_and_each_scenario_of_it(files: list[Path]) -> None:
    matrix = read_matrix(files)

    assert {row["id"]: told(row) for row in matrix["clauses"]} == {
        "order.delivery": ["failed", "passed"],
        "session.lazy": ["passed", None],
        "result.value": ["passed", "passed"],
    }
    assert [row["id"] for row in matrix["clauses"] if differs(row)] == ["order.delivery", "session.lazy"]
    [scenario] = [one for one in matrix["clauses"][0]["scenarios"] if one["id"] == "flow/a"]
    assert told(scenario) == ["failed", "passed"]
    broken = scenario["cells"][0]
    assert broken is not None
    assert broken["message"] == "3 came before 2"
    assert broken["again"] == "harness conformance --runtime 'my mod:P' --clause order.delivery --scenario flow/a"
    # Two runs of one version are told apart by their files.
    assert [column["label"] for column in matrix["subjects"]] == ["my_probe 1 (old.json)", "my_probe 1 (new.json)"]
    assert json.loads(json.dumps(matrix)) == matrix


def test_the_page_and_the_summary_show_what_differs(files: list[Path], tmp_path: Path) -> None:
    report = read_matrix(files)
    markdown.write(report, tmp_path / "matrix.md")

    page = parsed(html.write(report, tmp_path))
    rows = {row.attrs["id"]: row for row in page.all("tr", "clause")}
    assert {id_: "differs" in row.classes for id_, row in rows.items()} == {
        "clause-order.delivery": True,
        "clause-session.lazy": True,
        "clause-result.value": False,
    }
    assert [cell.text for cell in rows["clause-order.delivery"].all("td")][:2] == ["✗ failed 1 of 2", "✓ passed"]
    [again] = page.all("code", "again")
    assert "--scenario flow/a" in again.text
    [table] = rendered(tmp_path / "matrix.md").all("table")
    assert [[cell.text for cell in row.all("td")] for row in table.all("tr")[1:]] == [
        ["order.delivery", "MUST", "❌ failed 1 of 2", "✅ passed"],
        ["session.lazy", "MUST", "✅ passed", "not run"],
    ]


def test_the_command_ends_with_1_where_a_must_fell_short_and_writes_what_it_shows(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(capsys)

    said = run("matrix", *files, "--json", tmp_path / "m.json")
    assert said.code == 1
    assert "order.delivery" in said.out
    assert "result.value" not in said.out
    assert "1 clause more, of which all say the same; --all shows it" in said.out
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["format"] == "harness.matrix/1"
    assert run("matrix", files[1]).code == 0
    # Nothing is cut of what no terminal shows.
    assert "…" not in run("matrix", *files * 6).out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("{", "is no report: it is no JSON"),
        ('{"format": "harness.replay/1"}', r"has the format 'harness\.replay/1', expected 'harness\.conformance/1'"),
        ('{"format": "harness.conformance/1"}', "is no report of harness conformance"),
        ('{"format": "harness.conformance/1", "clauses": [{"id": 1}]}', "is no report of harness conformance"),
    ],
)
def test_what_is_no_report_is_named(
    content: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    said = runner(capsys)("matrix", path)
    assert said.code == 2
    assert "a.json" in said.err
    assert re.search(words, said.err)
