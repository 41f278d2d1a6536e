"""The `harness` command, one module for each of its own: parse, call one function, render.

Exit codes: 2 for usage, unreadable input, or nothing checked; 1 where something fell short; 0 where all held; 130 after
Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from cli.conformance import conformance
from cli.diff import diff
from cli.record import record
from cli.replay import replay
from cli.scan import scan
from cli.serve import serve
from cli.show import show


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

    try:
        code = harness.main(arguments, prog_name="harness", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    except (UnrecordedRequestError, UnplayedRecordingError, UnsafeRecordingError) as error:
        code = _said(error, 1)
    except (UsageError, RecordingError, ConformanceError) as error:
        code = _said(error, 2)
    except HarnessError as error:
        code = _said(error, 1)
    except BrokenPipeError:
        # The reader of our output has gone, as in `harness show … | head`; Python must not try to flush to it.
        sys.stdout = None
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _said(error: Exception, code: int) -> int:
    click.echo(f"error: {error}", err=True)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stream-harness", message="%(package)s %(version)s")
def harness() -> None:
    """Record streamed agent runs, replay them offline, and check that they keep the streaming contract."""


for command in (record, replay, show, diff, conformance, scan, serve):
    harness.add_command(command)
