"""`harness matrix`: several runs of the suite side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.commands.conformance import STYLES
from conformance.commands.reports import Reports, html_option, markdown_option
from harness.commands.output import console_for, json_option, print_table, text_of
from harness.commands.progress import at_work

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


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
    from conformance.report.matrix import must_fell, read_matrix

    with at_work("reading reports"):
        document = read_matrix(reports)
    _render(console_for(json_file), document, every=every)
    Reports(html=html, markdown=markdown).write(document, json_file)
    return 1 if must_fell(document) else 0


def _render(console: Console, document: dict[str, Any], *, every: bool) -> None:
    from rich.table import Table

    from conformance.report.matrix import telling
    from harness.recording import counted

    rows = document["clauses"] if every else telling(document)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("clause", no_wrap=True)
    for subject in document["subjects"]:
        table.add_column(text_of(subject["label"]))
    for row in rows:
        table.add_row(text_of(row["id"]), *map(_shown, row["cells"]))
    if rows:
        print_table(console, table)
    more = len(document["clauses"]) - len(rows)
    if more:
        console.print(
            f"{counted(more, 'clause')} more, of which all say the same; --all shows {'it' if more == 1 else 'them'}",
            highlight=False,
        )


def _shown(cell: dict[str, Any] | None) -> Text:
    from rich.text import Text

    from conformance.report.matrix import words_of

    return Text(words_of(cell), style="dim" if cell is None else STYLES[cell["status"]])
