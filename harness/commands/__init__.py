"""The `harness` command, one module for each of its own: parse, call one function, render.

Exit codes: 2 for usage, unreadable input, or nothing checked; 1 where something fell short; 0 where all held; 130 after
Ctrl-C.
"""

from __future__ import annotations

import difflib
import importlib
import io
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from harness.commands.output import open_streams, tell

#: Command → the module that holds a click command of that name, which is imported when the command is used; and what
#: `harness --help` says of it, so short that 80 columns hold it.
COMMANDS: Final = {
    "init": ("harness.commands.init", "Write a first flow, its recording and a test that passes."),
    "record": ("harness.commands.record", "Run a flow, crew or LLM for real, and write one recording."),
    "replay": ("conformance.commands.replay", "Replay recordings and cassettes offline, and compare."),
    "show": ("harness.commands.show", "Show a timeline, in the terminal or as an HTML page."),
    "diff": ("harness.commands.diff", "Show what moved and what changed between two timelines."),
    "export": ("harness.commands.export", "Write a timeline in another protocol."),
    "conformance": ("conformance.commands.conformance", "Put a runtime or a provider through the suite."),
    "merge": ("conformance.commands.merge", "Join the JSON reports of all shards of a run."),
    "matrix": ("conformance.commands.matrix", "Show reports of several runtimes or versions side by side."),
    "scan": ("harness.commands.scan", "Look for credentials, outdated formats and orphan files."),
    "serve": ("harness.commands.serve", "Serve a recording as its provider, or a flow with a page."),
    "pack": ("harness.commands.pack", "Put a folder of recordings into one file."),
    "unpack": ("harness.commands.pack", "Write every file of a pack into a folder."),
}


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        from harness.errors import UsageError

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # click would first write to stderr, which may be no more.
            raise click.Abort from None
        except SystemExit as left:
            raise UsageError(
                f"the command was ended before its time: what it loaded or called raised SystemExit({left.code!r}); "
                "leave that to what stands under `if __name__ == '__main__'`"
            ) from left

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            near = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"No such command {cmd_name!r}." + (f" Did you mean {near[0]}?" if near else ""))
        module, _ = COMMANDS[cmd_name]
        _refuse_another(module.partition(".")[0])
        command = getattr(importlib.import_module(module), cmd_name)
        assert isinstance(command, click.Command)
        return command


def _refuse_another(package: str) -> None:
    """Refuse to go on where Python would import another package than the one that is installed beside this one."""
    found = find_spec(package)
    place = Path(found.origin) if found is not None and found.origin is not None else None
    ours = Path(__file__).parents[2] / package / "__init__.py"
    if place is None or place.absolute() != ours:
        from harness.errors import UsageError

        raise UsageError(
            f"'{place}' is imported as {package!r} in place of '{ours}', which this command needs; take its folder off "
            "PYTHONPATH, or give it another name"
        )


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with its code."""
    from harness.errors import (
        ConformanceError,
        HarnessError,
        RecordingError,
        UnplayedRecordingError,
        UnrecordedRequestError,
        UnsafeRecordingError,
        UsageError,
    )

    open_streams()
    try:
        code = harness.main(arguments, prog_name="harness", standalone_mode=False)
    except click.ClickException as error:
        # It quotes what was given, which may be the name of a file.
        usage = io.StringIO()
        error.show(usage)
        for line in usage.getvalue().splitlines():
            tell(line)
        code = 2
    except (KeyboardInterrupt, click.Abort):
        # Behind the ^C that a terminal shows.
        tell("\ninterrupted", lines=True)
        code = 130
    except (UnrecordedRequestError, UnplayedRecordingError, UnsafeRecordingError) as error:
        code = _report(error, 1)
    except (UsageError, RecordingError, ConformanceError) as error:
        code = _report(error, 2)
    except HarnessError as error:
        code = _report(error, 1)
    except BrokenPipeError:
        # Nobody reads what goes on without an end, as in `harness serve … | head -0`.
        code = 0
    except OSError as error:
        # Such as a name that is too long to be one: who named it needs no traceback.
        code = _report(RecordingError(_refusal(error)), 2)
    sys.exit(code if isinstance(code, int) else 0)


def _refusal(error: OSError) -> str:
    if error.filename:
        return f"'{error.filename}': {error.strerror}"
    if isinstance(error, FileNotFoundError):
        # What has no name is where we are.
        return "the current folder is not there any more; change to one that is"
    return f"the system refused what the command needs: {error.strerror or error}"


def _report(error: Exception, code: int) -> int:
    # What an error tells of, a path, a request, a value that differs, may hold a credential.
    from harness.errors import UsageError
    from harness.recording.redact.judge import Judge
    from harness.recording.redact.redaction import Redactor

    try:
        redactor = Redactor()
    except UsageError:
        # The project's settings may be what the error is about.
        redactor = Redactor(Judge())
    tell(f"error: {redactor.text(str(error))}")
    return code


def _show_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    from harness.import_path import version_of

    if wanted:
        click.echo(f"stream-harness {version_of('stream-harness')}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def harness() -> None:
    """Record streamed agent runs, replay them offline, and check that they keep the streaming contract."""
