"""Where a command writes: what people read, and the JSON document that scripts read.

What a model, a recording or a path says may be meant for the terminal and not for the person in front of it. Every
command writes through here, and here alone it is decided what of a text reaches a terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import click

from harness.terminal import shown, shown_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: How wide a terminal is that does not say.
_COLUMNS: Final = 80

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

    Text is printed without markup, and as `shown` says; what is more than text has been made of such. A line that is
    longer than a terminal is wide is wrapped at a space.
    """
    from rich.console import Console
    from rich.text import Text

    class Output(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            texts = [Text(self._fitted(shown(item))) if isinstance(item, str) else item for item in objects]
            super().print(*texts, **{"markup": False, "highlight": False, "emoji": False, **options})

        def _fitted(self, text: str) -> str:
            return fitted(text, self.width) if self.is_terminal else text

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


def print_hung(console: Console, head: str, text: str, *, style: str | None = None) -> None:
    """Print a text behind what stands at the head of its line; where a person watches, what it wraps to stands below it."""
    from rich.text import Text

    line = shown(f"{head}{text}")
    console.print(Text(fitted(line, console.width, len(head)) if console.is_terminal else line), style=style)


def text_of(text: str) -> Text:
    """Return a text for a table or a title, as `shown` says and without markup."""
    from rich.text import Text

    return Text(shown(text))


def tell(
    text: str,
    *,
    err: bool = True,
    nl: bool = True,
    lines: bool = False,
    wrap: bool = True,
    file: IO[str] | None = None,
) -> None:
    """Write a text to stderr, or where it is said, as `shown` says.

    On a terminal, a line of its own that is too long is wrapped at a space, but without `wrap`, as for a command that
    somebody copies.
    """
    text = shown(text, lines=lines)
    stream = file if file is not None else sys.stderr if err else sys.stdout
    if wrap and nl and not lines and stream.isatty():
        text = fitted(text, _width_of(stream))
    click.echo(text, nl=nl, file=stream)


def fitted(text: str, width: int, indent: int | None = None) -> str:
    """Return one line of text as lines of at most `width` columns, the later ones indented; a longer word stays whole."""
    if len(text) <= width:
        return text
    if indent is None:
        indent = len(text) - len(text.lstrip()) + 2
    lines = textwrap.wrap(
        text,
        max(width, 20),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    return "\n".join(lines)


def _width_of(stream: IO[str]) -> int:
    if "COLUMNS" not in os.environ:
        try:
            return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            pass
    return shutil.get_terminal_size((_COLUMNS, 0)).columns


def text_stream(json_file: Path | None) -> IO[str]:
    """Return where the text of a run goes."""
    return sys.stderr if is_stdout(json_file) else sys.stdout


def is_stdout(json_file: Path | None) -> bool:
    """Whether the JSON document goes where people read otherwise."""
    return json_file is not None and str(json_file) in {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


def write_json(json_file: Path | None, document: dict[str, Any]) -> None:
    """Write the JSON document, whole or not at all. Raises RecordingError."""
    if json_file is None:
        return
    text = shown_json(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if is_stdout(json_file):
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from harness.recording.files.atomic import write_atomically

    write_atomically(json_file, text.encode())
