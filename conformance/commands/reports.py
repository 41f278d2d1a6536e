"""The reports that every judging command can write, as options and as files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, structs

from harness.commands.output import WRITTEN_FILE, WRITTEN_FOLDER, write_json
from harness.commands.progress import at_work


class Reports(Struct, frozen=True):
    """Where which reports are wanted, by the name of the module that writes each."""

    junit: Path | None = None
    html: Path | None = None
    markdown: Path | None = None
    sarif: Path | None = None

    def are_wanted(self, json_file: Path | None) -> bool:
        return json_file is not None or any(path is not None for path in structs.asdict(self).values())

    def write(self, document: dict[str, Any], json_file: Path | None, results: Sequence[Any] = ()) -> None:
        """Write the command's JSON document, and those that are wanted of it; beside a page the timelines of results."""
        write_json(json_file, document)
        if self.html is not None and results:
            # What shows timelines is loaded for a report that has some.
            from conformance.commands import timelines

            timelines.write(results, document, self.html)
        with at_work("writing reports"):
            for name, path in structs.asdict(self).items():
                if path is not None:
                    import_module(f"conformance.report.{name}").write(document, path)


html_option = click.option("--html", type=WRITTEN_FOLDER, metavar="DIR", help="Write an HTML report.")
markdown_option = click.option(
    "--markdown", type=WRITTEN_FILE, metavar="FILE", help="Write a summary for a pull request or the page of a CI run."
)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--junit`, `--html`, `--markdown` and `--sarif`; it takes them as `reports`."""

    @click.option("--junit", type=WRITTEN_FILE, metavar="FILE", help="Write a JUnit report.")
    @html_option
    @markdown_option
    @click.option("--sarif", type=WRITTEN_FILE, metavar="FILE", help="Write a SARIF report, as code hosts show it.")
    @functools.wraps(command)
    def with_reports(**options: Any) -> Any:
        wanted = {name: options.pop(name) for name in Reports.__struct_fields__}
        return command(reports=Reports(**wanted), **options)

    return with_reports
