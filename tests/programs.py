"""Programs in a process of their own."""

from __future__ import annotations

import subprocess
import sys


def run_program(program: str) -> tuple[int, str, str]:
    """Return the exit code of a program in a process of its own, in which warnings are errors, and what it wrote."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr
