"""The readers of others, in node: what they make of streams. HARNESS_JUDGES names the folder in which they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_JUDGES = Path(__file__).parent / "judges"


def judged(script: str, cases: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what a judge says of each case, by name; the test is skipped where there is none."""
    named = os.environ.get("HARNESS_JUDGES")
    if not named:
        pytest.skip("set HARNESS_JUDGES to a folder in which tests/bridges/judges/package.json is installed")
    node = shutil.which("node")
    folder = Path(named)
    if node is None or not (folder / "node_modules").is_dir():
        pytest.fail(f"HARNESS_JUDGES names {folder}, which has no node_modules, or there is no node")
    # A module finds its packages from where it lies.
    program = folder / script
    if program.resolve() != (_JUDGES / script).resolve():
        shutil.copy(_JUDGES / script, program)
    lines = "\n".join(json.dumps({"name": name, key: case}) for name, case in cases.items())
    ended = subprocess.run(
        [node, str(program)], input=lines + "\n", capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [verdict["name"] for verdict in found] == list(cases)
    return {verdict["name"]: verdict for verdict in found}
