"""Where a command writes: what people read, and the JSON document that scripts read.

What a model, a recording or a path says may be meant for the terminal and not for the person in front of it. Every
command writes through here, and here alone it is decided what of a text reaches a terminal.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import click

from harness.terminal import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: What JSON leaves as it is, and a terminal obeys all the same.
_IN_JSON: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]")

json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the JSON document to FILE; - is stdout.",
)
verbose_option = click.option("-v", "--verbose", is_flag=True, help="All of each value, and each consequence.")
traceback_option = click.option(
    "--traceback", "with_traceback", is_flag=True, help="Where an error of the run arose, in full."
)
trust_option = click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="MODULE",
    help="A module, package or module:attribute that recordings may name beside those of this folder; repeatable.",
)


def console_for(json_file: Path | None) -> Console:
    """Return where people read: stdout, or stderr where stdout is for the JSON document.

    Text is printed as it is, without markup, and as `shown` says; what is more than text has been made of such.
    """
    from rich.console import Console

    class Output(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            texts = [shown(found) if isinstance(found, str) else found for found in objects]
            super().print(*texts, **{"markup": False, "highlight": False, "emoji": False, **options})

        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # which main() knows; rich itself would end the process with 1

    return Output(stderr=is_stdout(json_file), soft_wrap=True)


def print_below(console: Console, text: str, indent: int, *, lines: bool = False, style: str | None = None) -> None:
    """Print a text that belongs to the line before it, indented; where a person watches, so are the lines it wraps to."""
    from rich.padding import Padding
    from rich.text import Text

    text = shown(text, lines=lines)
    if console.is_terminal:
        console.print(Padding(Text(text, style=style or ""), (0, 0, 0, indent)), soft_wrap=False)
    else:
        for line in text.splitlines():
            console.print(f"{'':{indent}}{line}", style=style)


def text_of(text: str) -> Text:
    """Return a text for a table or a title, as `shown` says and without markup."""
    from rich.text import Text

    return Text(shown(text))


def tell(text: str, *, err: bool = True, nl: bool = True, lines: bool = False, file: IO[str] | None = None) -> None:
    """Write a text to stderr, or where it is said, as `shown` says."""
    click.echo(shown(text, lines=lines), nl=nl, err=err and file is None, file=file)


def text_stream(json_file: Path | None) -> IO[str]:
    """Return where the text of a run goes."""
    return sys.stderr if is_stdout(json_file) else sys.stdout


def is_stdout(json_file: Path | None) -> bool:
    """Whether the JSON document goes where people read otherwise."""
    return json_file is not None and str(json_file) in {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


def terminal_json(text: str) -> str:
    """Return JSON that says the same, and holds nothing that a terminal obeys."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_json(json_file: Path | None, document: dict[str, Any]) -> None:
    """Write the JSON document, whole or not at all. Raises RecordingError."""
    if json_file is None:
        return
    text = terminal_json(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if is_stdout(json_file):
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from harness.recording.files.atomic import write_atomically

    write_atomically(json_file, text.encode())
