"""Where a command writes: what people read, and the JSON document that scripts read.

What a model, a recording or a path says may be meant for the terminal and not for the person in front of it. Every
command writes through here, and here alone it is decided what of a text reaches a terminal.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

import click

from harness.errors import RecordingError
from harness.terminal import shown, shown_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: How wide a terminal is that does not say, and how wide one is at least for whoever lays out text.
_COLUMNS: Final = 80
_FEWEST_COLUMNS: Final = 20
#: Wider than any table, of which nothing is cut or folded, then.
_UNBOUNDED_COLUMNS: Final = 1_000_000

#: The number of a process's stdout.
_STDOUT: Final = 1
#: Stdout, where it is for the JSON document alone.
_document: IO[str] | None = None


def _kept_apart(context: click.Context, parameter: click.Parameter, json_file: Path | None) -> Path | None:
    """Have what else is written to stdout from now on, also by a run and by programs that it starts, go to stderr."""
    global _document  # noqa: PLW0603 - there is one stdout
    if not is_stdout(json_file) or _document is not None or context.resilient_parsing:  # a shell completes the line
        return json_file
    with contextlib.suppress(io.UnsupportedOperation):  # it is no file of the system's
        # Whoever calls the command in a process of theirs, as a test does, may have put another file there for a while.
        if sys.stdout.fileno() == _STDOUT:
            beside = sys.stderr.fileno()
            _document = open(os.dup(_STDOUT), "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open to the end
            os.dup2(beside, _STDOUT)
    return json_file


class _Written(click.Path):
    """A path that is written to; - is refused, unless it is stdout, for nobody means it as a name, and so is an empty one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == "" or (str(value) == "-" and not self.allow_dash):
            self.fail(f"{str(value)!r} is no name for what is written here; choose another", param, ctx)
        return super().convert(value, param, ctx)


class _Report(_Written):
    """What a command writes at its end, where that can be done: if not, it is refused before anything is run."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from harness.recording.files.atomic import obstacle

        path: Path = super().convert(value, param, ctx)
        if not is_stdout(path):
            reason = obstacle(path if self.file_okay else path / "index.html")
            if reason is not None:
                self.fail(f"'{path}' can't be written: {reason}", param, ctx)
            if ctx is not None and (path.is_file() or not path.exists()):
                taken = ctx.meta.setdefault(f"{__name__}.taken", {})
                if taken.setdefault(path.resolve(), param) is not param:
                    self.fail(f"'{path}' is what another option writes; choose another file", param, ctx)
        return path


# What is written to need not be readable.
WRITTEN: Final = _Written(path_type=Path, readable=False)
WRITTEN_FILE: Final = _Report(path_type=Path, readable=False, dir_okay=False)
WRITTEN_FILE_OR_STDOUT: Final = _Report(path_type=Path, readable=False, dir_okay=False, allow_dash=True)
WRITTEN_FOLDER: Final = _Report(path_type=Path, readable=False, file_okay=False)

json_option = click.option(
    "--json",
    "json_file",
    type=WRITTEN_FILE_OR_STDOUT,
    callback=_kept_apart,
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


def open_streams() -> None:
    """Have stdout and stderr take every character: one that was closed is as `/dev/null`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # It takes the number of the one that is closed, so that no file of ours does.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            # A terminal that can't show a character shows its number.
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def writing_to(stream: IO[str], *, needs_reader: bool = False) -> Iterator[None]:
    """Write to a stream in this block; where its reader has left, what else is written to it goes nowhere.

    So does what can't be said on stderr: it is for whoever watches, and there is no other place to say so.

    Raises:
        RecordingError: stdout can't be written to, as where it is a file on a full disk.
        BrokenPipeError: the reader has left, and one is needed.
    """
    try:
        yield
    except ValueError:
        from harness.recording.streams import is_open

        # What is run may close it, or take it apart.
        if is_open(stream):
            raise
    except OSError as error:
        _abandon(stream)
        if isinstance(error, BrokenPipeError):
            if needs_reader:
                raise BrokenPipeError from None  # click itself would end the process with 1 for one that has a number
        elif stream is not sys.stderr:
            raise RecordingError(
                f"stdout can't be written: {error.strerror or error}; make room, or send it elsewhere"
            ) from error


def _abandon(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # What it still holds goes there, too, when Python flushes it at its end.
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def console_for(json_file: Path | None) -> Console:
    """Return where people read: stdout, or stderr where stdout is for the JSON document.

    Text is printed without markup, and as `shown` says; what is more than text has been made of such. A line that is
    longer than a terminal is wide is wrapped at a space; what goes elsewhere is as wide as it is.
    """
    from rich.console import Console
    from rich.text import Text

    class Output(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            texts = [Text(self._fitted(shown(item))) if isinstance(item, str) else item for item in objects]
            with writing_to(self.file):
                super().print(*texts, **{"markup": False, "highlight": False, "emoji": False, **options})

        def _fitted(self, text: str) -> str:
            return fitted(text, self.width) if self.is_terminal else text

        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # which print() knows; rich itself would end the process with 1

    console = Output(stderr=is_stdout(json_file), soft_wrap=True)
    if not console.is_terminal:
        console.width = _UNBOUNDED_COLUMNS
    elif console.width < _FEWEST_COLUMNS:
        # A terminal that says 0 does not know.
        console.width = _FEWEST_COLUMNS if console.width else _COLUMNS
    return console


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


def print_hung(
    console: Console, head: str, text: str, *, style: str | None = None, head_style: str | None = None
) -> None:
    """Print a text behind what stands at the head of its line; where a person watches, what it wraps to stands below it."""
    from rich.text import Text

    line = shown(f"{head}{text}")
    printed = Text(fitted(line, console.width, len(head)) if console.is_terminal else line)
    if head_style is not None:
        printed.stylize(head_style, 0, len(head))
    console.print(printed, style=style)


def print_table(console: Console, table: Table) -> None:
    """Print a table; where no person watches, a line ends with its last word, however wide the widest is."""
    from rich.text import Text

    if console.is_terminal:
        console.print(table, soft_wrap=False)
        return
    lines = ("".join(segment.text for segment in line).rstrip() for line in console.render_lines(table, pad=False))
    console.print(Text("\n".join(lines)))


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
    needs_reader: bool = False,
    file: IO[str] | None = None,
) -> None:
    """Write a text to stderr, or where it is said, as `shown` and `writing_to` say.

    On a terminal, a line of its own that is too long is wrapped at a space, but without `wrap`, as for a command that
    somebody copies.
    """
    text = shown(text, lines=lines)
    stream = file if file is not None else sys.stderr if err else sys.stdout
    with writing_to(stream, needs_reader=needs_reader):
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
        max(width, _FEWEST_COLUMNS),
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


def write_stdout(text: str, *, needs_reader: bool = False) -> None:
    """Write a document to stdout as it is. Raises as `writing_to`."""
    stream = _document or sys.stdout
    with writing_to(stream, needs_reader=needs_reader):
        stream.write(text)
        stream.flush()


def write_json(json_file: Path | None, document: dict[str, Any], *, needs_reader: bool = False) -> None:
    """Write the JSON document, whole or not at all. Raises as `writing_to`."""
    if json_file is None:
        return
    text = shown_json(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if is_stdout(json_file):
        write_stdout(text, needs_reader=needs_reader)
        return
    from harness.recording.files.atomic import write_atomically

    write_atomically(json_file, text.encode())
