"""Where a command writes: what people read, and the JSON document that scripts read."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import Console

json_option = click.option(
    "--json", "json_file", type=click.File("w", lazy=True), help="Write the JSON document to FILE; - is stdout."
)
trust_option = click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="MODULE",
    help="A module, package or module:attribute that recordings may name beside those of this folder; repeatable.",
)


def console_for(json_file: IO[str] | None) -> Console:
    """Return where people read: stdout, or stderr where stdout is for the JSON document."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # which main() knows; rich itself would end the process with 1

    return Output(stderr=is_stdout(json_file), soft_wrap=True)


def text_stream(json_file: IO[str] | None) -> IO[str]:
    return sys.stderr if is_stdout(json_file) else sys.stdout


def is_stdout(json_file: IO[str] | None) -> bool:
    return json_file is not None and json_file.name == "-"


def write_json(json_file: IO[str] | None, document: dict[str, Any]) -> None:
    if json_file is not None:
        json_file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
