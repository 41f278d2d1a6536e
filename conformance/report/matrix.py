"""Several runs of the suite side by side: clauses by subjects, and below each clause its scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from conformance.contract.clauses import CLAUSES
from conformance.report.causes import first_message
from conformance.report.reruns import scenario_rerun
from conformance.run.report_files import suite_report
from harness.errors import UnreadableRecordingError

FORMAT: Final = "harness.matrix/1"
_FELL: Final = frozenset({"failed", "not-testable"})


@dataclass(frozen=True, slots=True)
class Column:
    """One run: what was tested."""

    #: Name and version, and the report's name where two runs would have the same.
    label: str
    capabilities: tuple[str, ...]
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run says about one clause, or about one scenario of it."""

    status: str
    #: How many scenarios fell short, of how many that decide it.
    fell: int
    checks: int
    #: What was seen first where it fell short.
    message: str | None = None
    #: The command that makes this cell again, where the report says how it was made.
    again: str | None = None


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One scenario of a clause. A run that did not go through it has None."""

    id: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class ClauseCells:
    """One clause. A run that was not to decide it has None."""

    id: str
    level: str
    cells: tuple[Cell | None, ...]
    scenarios: tuple[ScenarioRow, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs say different things, or fell short in different scenarios."""
        rows = (self.cells, *(row.cells for row in self.scenarios))
        return any(len({None if cell is None else cell.status for cell in row}) > 1 for row in rows)

    @property
    def fell(self) -> bool:
        """Whether it fell short in any of the runs."""
        return any(cell is not None and (cell.status in _FELL or cell.fell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Clauses by runs."""

    subjects: tuple[Column, ...]
    rows: tuple[ClauseCells, ...]

    @classmethod
    def of(cls, reports: Sequence[tuple[str, Mapping[str, Any]]]) -> Self:
        """Return the matrix of reports `harness.conformance/1`, each with the name of its file, in that order."""
        rows = [{row["id"]: _Checks(document, row) for row in document["clauses"]} for _, document in reports]
        ids = [*CLAUSES, *(id_ for id_ in dict.fromkeys(id_ for run in rows for id_ in run) if id_ not in CLAUSES)]
        return cls(
            _columns(reports),
            tuple(_clause(id_, [run.get(id_) for run in rows]) for id_ in ids if any(id_ in run for run in rows)),
        )

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Self:
        """Return the matrix of the JSON reports at `paths`. Raises UnreadableRecordingError."""
        reports = []
        names = Counter(path.name for path in paths)
        for path in paths:
            document = suite_report(path)
            try:
                cls.of([(path.name, document)])
            except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
                raise UnreadableRecordingError(
                    f"'{path}' is no report of harness conformance; expected what its --json FILE has written"
                ) from error
            reports.append((path.name if names[path.name] == 1 else str(path), document))
        return cls.of(reports)

    @property
    def must_fell(self) -> bool:
        """Whether a MUST fell short in any of the runs."""
        return any(row.fell for row in self.rows if row.level == "MUST")

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "format": FORMAT,
            "subjects": [
                {"label": column.label, "capabilities": list(column.capabilities), "summary": column.summary}
                for column in self.subjects
            ],
            "clauses": [
                {
                    "id": row.id,
                    "level": row.level,
                    "cells": _cells(row.cells),
                    "scenarios": [{"id": column.id, "cells": _cells(column.cells)} for column in row.scenarios],
                }
                for row in self.rows
            ],
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the matrix that a document of `document` gives."""
        return cls(
            tuple(
                Column(column["label"], tuple(column["capabilities"]), column["summary"])
                for column in document["subjects"]
            ),
            tuple(
                ClauseCells(
                    row["id"],
                    row["level"],
                    _of_cells(row["cells"]),
                    tuple(ScenarioRow(column["id"], _of_cells(column["cells"])) for column in row["scenarios"]),
                )
                for row in document["clauses"]
            ),
        )


class _Checks:
    """What one run says about one clause."""

    def __init__(self, document: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        self.level: str = row["level"]
        self.scenarios = {check["scenario"]: self._scenario(document, row, check) for check in row["checks"]}
        fell = [cell for cell in self.scenarios.values() if cell.status in _FELL]
        message = next((cell.message for cell in fell if cell.message), None)
        self.cell = Cell(
            row["status"], len(fell), len(self.scenarios), message, scenario_rerun(document, row["id"], None)
        )

    def _scenario(self, document: Mapping[str, Any], row: Mapping[str, Any], check: Mapping[str, Any]) -> Cell:
        again = scenario_rerun(document, row["id"], check["scenario"])
        return Cell(check["status"], int(check["status"] in _FELL), 1, first_message(check), again)


def _clause(id_: str, runs: Sequence[_Checks | None]) -> ClauseCells:
    names = dict.fromkeys(name for run in runs if run is not None for name in run.scenarios)
    return ClauseCells(
        id_,
        next(run.level for run in runs if run is not None),
        tuple(None if run is None else run.cell for run in runs),
        tuple(
            ScenarioRow(name, tuple(None if run is None else run.scenarios.get(name) for run in runs)) for name in names
        ),
    )


def _columns(reports: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Column, ...]:
    labels = [f"{document['subject']['name']} {document['subject']['version']}" for _, document in reports]
    often = Counter(labels)
    return tuple(
        Column(
            label if often[label] == 1 else f"{label} ({name})",
            tuple(document["subject"]["capabilities"]),
            document["summary"],
        )
        for label, (name, document) in zip(labels, reports, strict=True)
    )


def _cells(cells: Sequence[Cell | None]) -> list[dict[str, Any] | None]:
    return [None if cell is None else asdict(cell) for cell in cells]


def _of_cells(cells: Sequence[Mapping[str, Any] | None]) -> tuple[Cell | None, ...]:
    return tuple(None if cell is None else Cell(**cell) for cell in cells)
