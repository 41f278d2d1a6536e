"""Several runs of the suite side by side, as a document: clauses by subjects, and below each clause its scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.contract.clauses import CLAUSES
from conformance.report.causes import FELL, first_message
from conformance.report.reruns import scenario_rerun
from conformance.run.report_files import suite_report

FORMAT: Final = "harness.matrix/1"


def matrix(reports: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the document of reports, each with its file's name, in that order; None is where a run says nothing."""
    runs = [{row["id"]: (document, row) for row in document["clauses"]} for _, document in reports]
    every = dict.fromkeys(id_ for run in runs for id_ in run)
    ids = [*(id_ for id_ in CLAUSES if id_ in every), *(id_ for id_ in every if id_ not in CLAUSES)]
    return {
        "format": FORMAT,
        "subjects": _subjects(reports),
        "clauses": [_clause(id_, [run.get(id_) for run in runs]) for id_ in ids],
    }


def read_matrix(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the document of the JSON reports at `paths`. Raises UnreadableRecordingError."""
    names = Counter(path.name for path in paths)
    return matrix([(path.name if names[path.name] == 1 else str(path), suite_report(path)) for path in paths])


def differs(row: Mapping[str, Any]) -> bool:
    """Whether the runs say different things of a clause, or fell short in different scenarios."""
    rows = (row, *row["scenarios"])
    return any(len({None if cell is None else cell["status"] for cell in each["cells"]}) > 1 for each in rows)


def fell(row: Mapping[str, Any]) -> bool:
    return any(cell is not None and (cell["status"] in FELL or cell["fell"]) for cell in row["cells"])


def telling(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the clauses that are worth a look: they fell short somewhere, or the runs differ."""
    return [row for row in document["clauses"] if differs(row) or fell(row)]


def must_fell(document: Mapping[str, Any]) -> bool:
    return any(fell(row) for row in document["clauses"] if row["level"] == "MUST")


def words_of(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not run"
    broken = f" {cell['fell']} of {cell['checks']}" if cell["fell"] else ""
    return f"{cell['status'].replace('-', ' ')}{broken}"


def _subjects(reports: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return what was tested in each run, labelled by name and version, and by its file where two would be the same."""
    labels = [f"{document['subject']['name']} {document['subject']['version']}" for _, document in reports]
    return [
        {
            "label": label if labels.count(label) == 1 else f"{label} ({name})",
            "capabilities": document["subject"]["capabilities"],
            "summary": document["summary"],
        }
        for label, (name, document) in zip(labels, reports, strict=True)
    ]


def _clause(id_: str, runs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]] | None]) -> dict[str, Any]:
    scenarios = [
        None
        if run is None
        else {check["scenario"]: _cell(*run, check["status"], [check], check["scenario"]) for check in run[1]["checks"]}
        for run in runs
    ]
    names = dict.fromkeys(name for cells in scenarios if cells is not None for name in cells)
    return {
        "id": id_,
        "level": next(run[1]["level"] for run in runs if run is not None),
        "cells": [None if run is None else _cell(*run, run[1]["status"], run[1]["checks"], None) for run in runs],
        "scenarios": [
            {"id": name, "cells": [None if cells is None else cells.get(name) for cells in scenarios]} for name in names
        ],
    }


def _cell(
    document: Mapping[str, Any],
    row: Mapping[str, Any],
    status: str,
    checks: Sequence[Mapping[str, Any]],
    scenario: str | None,
) -> dict[str, Any]:
    """Return what one run says: how many checks fell short of how many, what was seen first, and what runs it again."""
    fallen = [check for check in checks if check["status"] in FELL]
    return {
        "status": status,
        "fell": len(fallen),
        "checks": len(checks),
        "message": next(filter(None, map(first_message, fallen)), None),
        "again": scenario_rerun(document, row["id"], scenario),
    }
