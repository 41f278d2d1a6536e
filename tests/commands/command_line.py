"""The command line as a test calls it: in this process, as the console script does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import harness.commands


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]
#: The checkout.
ROOT = Path(__file__).parents[2]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command with these arguments."""

    def run(*arguments: str | Path) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            harness.commands.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Said(left.value.code, captured.out, captured.err)

    return run


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command in a process of its own: without keys, and without wishes for colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "FORCE_", "NO_COLOR"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}
