"""The readers of others, in node: what they make of streams. HARNESS_JUDGES names the folder in which they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_JUDGES = Path(__file__).parent / "judges"


#: Asks the judge of a script about cases, each of which it finds under a key, and returns what it says, by case.
Judge = Callable[[str, dict[str, Any], str], dict[str, Any]]


@pytest.fixture(name="judged")
def judge() -> Judge:
    """What asks a judge; the test is skipped where there is none."""
    if not os.environ.get("HARNESS_JUDGES"):
        pytest.skip("set HARNESS_JUDGES to a folder in which tests/bridges/judges/package.json is installed")
    return _judged


def _judged(script: str, cases: dict[str, Any], key: str) -> dict[str, Any]:
    named = os.environ["HARNESS_JUDGES"]
    node = shutil.which("node")
    folder = Path(named)
    if node is None or not (folder / "node_modules").is_dir():
        pytest.fail(f"HARNESS_JUDGES names {folder}, which has no node_modules, or there is no node")
    program = (_JUDGES / script).read_text("utf-8")
    lines = "\n".join(json.dumps({"name": name, key: case}) for name, case in cases.items())
    # Run so, a module finds its packages in the folder it is run in.
    ended = subprocess.run(
        [node, "--input-type=module", "--eval", program],
        input=lines + "\n",
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [verdict["name"] for verdict in found] == list(cases)
    return {verdict["name"]: verdict for verdict in found}
