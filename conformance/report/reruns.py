"""The command that makes one cell of a report again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.commands.check import replay_command


def scenario_rerun(document: Mapping[str, Any], clause: str, scenario: str | None) -> str | None:
    """Return what puts the subject of a run of the suite into one scenario again, for one clause.

    None where the report does not say how it was made, as older ones do not.
    """
    command = document.get("command")
    if not command:
        return None
    words = ["--clause", clause] + (["--scenario", scenario] if scenario else [])
    return f"{command} {shlex.join(words)}"


def result_rerun(result: Mapping[str, Any]) -> str:
    """Return what plays again the file that a result of a replay is of."""
    return shlex.join([*replay_command(Path(result["path"])), "--verbose"])


def timeline_rerun(result: Mapping[str, Any]) -> str:
    """Return what plays that file again and writes the timeline of what falls short."""
    return shlex.join([*replay_command(Path(result["path"])), "--html", "report"])
