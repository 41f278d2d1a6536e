"""The command that makes one cell of a report again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any


def scenario_rerun(document: Mapping[str, Any], clause: str, scenario: str | None) -> str | None:
    """Return what performs one scenario again, for one clause; None where the report, an older one, has no command."""
    command = document.get("command")
    if not command:
        return None
    words = ["--clause", clause] + (["--scenario", scenario] if scenario else [])
    return f"{command} {shlex.join(words)}"


def result_rerun(result: Mapping[str, Any]) -> str:
    """Return what plays again the file that a result of a replay is of."""
    return _replay(result["path"], "--verbose")


def timeline_rerun(result: Mapping[str, Any]) -> str:
    """Return what plays that file again and writes the timeline of what falls short."""
    return _replay(result["path"], "--html", "report")


def _replay(path: str, *options: str) -> str:
    # A name that begins with a dash would be taken for an option.
    place = f".{os.sep}{path}" if path.startswith("-") else path
    return shlex.join(["harness", "replay", place, *options])
