"""What the page of a matrix shows, from its JSON document: the clauses by area, one column for each run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.clauses import CLAUSES
from conformance.report.conformance_page import STATUSES, by_area
from conformance.report.headlines import Headline, Tile
from conformance.report.matrix import differs, fell, must_fell
from harness.recording import counted


def content(document: Mapping[str, Any]) -> dict[str, Any]:
    rows = [{**row, "differs": differs(row), "fell": fell(row)} for row in document["clauses"]]
    subjects, differing = document["subjects"], sum(row["differs"] for row in rows)
    worst = [_worst(row) for row in rows]
    return {
        "statuses": STATUSES,
        "verdict": _verdict(document, differing),
        "counts": {status: worst.count(status) for status in STATUSES},
        "tiles": [
            Tile("clauses", len(rows)),
            Tile("runs", len(subjects)),
            Tile("differ", differing),
            Tile("fell short", sum(row["fell"] for row in rows), "failed"),
        ],
        # The matrix itself tells it.
        "fallen": [],
        "differing": differing,
        "subjects": subjects,
        "areas": by_area(rows, lambda row: row["id"].partition(".")[0]),
        "statements": CLAUSES,
    }


def _verdict(document: Mapping[str, Any], differing: int) -> Headline:
    subjects = document["subjects"]
    status = "failed" if must_fell(document) else "passed"
    if len(subjects) == 1:
        return Headline(status, f"{subjects[0]['label']}, clause by clause")
    how = f"differ in {counted(differing, 'clause')}" if differing else "say the same"
    return Headline(status, f"{len(subjects)} runs of the suite {how}")


def _worst(row: Mapping[str, Any]) -> str:
    found = {cell["status"] for cell in row["cells"] if cell is not None}
    return next(status for status in STATUSES if status in found)
