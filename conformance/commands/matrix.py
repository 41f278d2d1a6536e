"""`harness matrix`: several runs of the suite side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands.reports import Reports, html_option, markdown_option
from harness.commands.output import console_for, json_option, text_of, write_json
from harness.commands.progress import at_work

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from conformance.report.matrix import Cell, Matrix

_STYLES = {"passed": "green", "failed": "red", "not-testable": "yellow", "not-applicable": "dim"}


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--all", "every", is_flag=True, help="Clauses that hold, or do not apply, for all, too.")
@html_option
@markdown_option
@json_option
def matrix(
    reports: tuple[Path, ...], every: bool, html: Path | None, markdown: Path | None, json_file: Path | None
) -> int:
    """Show runs of several runtimes, or of versions of one, side by side: clauses by runs, from their JSON reports.

    The exit code is 1 where a MUST fell short in any of them.

    \b
    Example:
      harness conformance --runtime mine:Old --json old.json
      harness conformance --runtime mine:New --json new.json
      harness matrix old.json new.json --html report

    \b
    JSON: {"format": "harness.matrix/1",
    "subjects": [{"label", "capabilities", "summary"}], "clauses": [{"id",
    "level", "cells": [{"status", "fell", "checks", "message", "again"} or null],
    "scenarios": [{"id", "cells"}]}]}
    """
    from conformance.report.matrix import Matrix

    with at_work("reading reports"):
        made = Matrix.read(reports)
        document = made.document()
    _render(console_for(json_file), made, every=every)
    write_json(json_file, document)
    Reports(html=html, markdown=markdown).write(document, cases=tuple)
    return 1 if made.must_fell else 0


def _render(console: Console, matrix: Matrix, *, every: bool) -> None:
    from rich.table import Table

    from harness.recording import counted

    rows = [row for row in matrix.rows if every or row.differs or row.fell]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("clause", no_wrap=True)
    for subject in matrix.subjects:
        table.add_column(text_of(subject.label))
    for row in rows:
        table.add_row(text_of(row.id), *map(_shown, row.cells))
    if rows:
        console.print(table, soft_wrap=False)
    if len(rows) < len(matrix.rows):
        more = len(matrix.rows) - len(rows)
        console.print(
            f"{counted(more, 'clause')} more, of which all say the same; --all shows {'it' if more == 1 else 'them'}",
            highlight=False,
        )


def _shown(cell: Cell | None) -> Text:
    from rich.text import Text

    if cell is None:
        return Text("not run", style="dim")
    broken = f" {cell.fell} of {cell.checks}" if cell.fell else ""
    return Text(f"{cell.status.replace('-', ' ')}{broken}", style=_STYLES[cell.status])
