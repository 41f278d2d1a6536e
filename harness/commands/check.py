"""The check at the end of recording: what was recorded is replayed at once, in a process of its own as anybody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Checked:
    """What a replay said of a recording."""

    holds: bool
    #: Why it does not, one line each.
    reasons: tuple[str, ...] = ()


def replay_command(path: Path, *options: str) -> list[str]:
    """Return the arguments of the command that replays `path`."""
    # A name that begins with a dash would be taken for an option.
    place = f".{os.sep}{path}" if str(path).startswith("-") else str(path)
    return ["harness", "replay", *options, place]


def check(path: Path, target: str, options: Sequence[str] = ()) -> Checked:
    """Replay the recording at `path`, whose target the caller has just named and run, and say whether it holds.

    A new process shares nothing with the run that was recorded: what a module has kept of it is not there.
    """
    with tempfile.TemporaryDirectory(prefix="harness-check-") as folder:
        report = Path(folder, "report.json")
        replayed = subprocess.run(  # noqa: S603 - our own command, of this very Python
            [sys.executable, "-m", *replay_command(path, "--trust", target, *options), "--json", str(report)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if not report.is_file():
            lines = replayed.stderr.decode("utf-8", "replace").splitlines()
            return Checked(False, (lines[-1] if lines else f"the replay ended with exit code {replayed.returncode}",))
        (result,) = json.loads(report.read_bytes())["results"]
    return Checked(result["status"] == "passed", tuple(_reasons(result)))


def _reasons(result: dict[str, Any]) -> list[str]:
    first = [] if result["message"] is None else [result["message"]]
    violations = [f"{found['clause']} at frame {found['seq']}: {found['message']}" for found in result["violations"]]
    # The message tells the first violation.
    return [*first, *result["diff"][:10], *violations[1:10]]
