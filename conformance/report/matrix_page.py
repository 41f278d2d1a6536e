"""What the page of a matrix shows, from its JSON document: the clauses by area, one column for each run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from conformance.contract.clauses import AREAS, CLAUSES
from conformance.report.conformance_page import STATUSES
from conformance.report.headlines import Headline, Tile
from conformance.report.matrix import ClauseCells, Matrix
from harness.recording import counted


def content(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template `matrix.html.jinja` is filled with."""
    matrix = Matrix.of_document(document)
    differing = [row for row in matrix.rows if row.differs]
    worst = [_worst(row) for row in matrix.rows]
    return {
        "statuses": STATUSES,
        "verdict": _verdict(matrix, len(differing)),
        "counts": {status: worst.count(status) for status in STATUSES},
        "tiles": [
            Tile("clauses", len(matrix.rows)),
            Tile("runs", len(matrix.subjects)),
            Tile("differ", len(differing)),
            Tile("fell short", sum(row.fell for row in matrix.rows), "failed"),
        ],
        # The matrix itself tells it.
        "fallen": [],
        "differing": len(differing),
        "subjects": matrix.subjects,
        "areas": _areas(matrix),
        "statements": CLAUSES,
    }


def _verdict(matrix: Matrix, differing: int) -> Headline:
    runs = f"{len(matrix.subjects)} runs of the suite"
    if len(matrix.subjects) == 1:
        return Headline("failed" if matrix.must_fell else "passed", f"{matrix.subjects[0].label}, clause by clause")
    if differing:
        return Headline("failed" if matrix.must_fell else "passed", f"{runs} differ in {counted(differing, 'clause')}")
    return Headline("failed" if matrix.must_fell else "passed", f"{runs} say the same")


def _worst(row: ClauseCells) -> str:
    found = {cell.status for cell in row.cells if cell is not None}
    return next(status for status in STATUSES if status in found)


def _areas(matrix: Matrix) -> list[tuple[str, str, list[ClauseCells]]]:
    titles = {area.name: area.title.removeprefix(area.name) for area in AREAS}
    return [
        (name, titles.get(name, ""), list(rows))
        for name, rows in groupby(matrix.rows, key=lambda row: row.id.partition(".")[0])
    ]
