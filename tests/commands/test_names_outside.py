"""The commands and pytest in a folder where names of ours and common names stand for something else.

Each is a process of its own, started as a user starts it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

#: The console script, which has no current folder on its path, and the module, which has it first.
SCRIPT: Final = [str(Path(sys.executable).with_name("harness"))]
MODULE: Final = [sys.executable, "-m", "harness"]
both_ways = pytest.mark.parametrize("harness", [SCRIPT, MODULE], ids=["harness", "python -m harness"])

#: Imported in place of ours, it ends whatever imported it.
HOSTILE: Final = "raise SystemExit('a module of the user has been imported in place of another')\n"
NAMES: Final = (
    "conformance/__init__.py",
    "tests/__init__.py",
    "cassettes/__init__.py",
    "benchmarks/__init__.py",
    "cli.py",
    "commands.py",
    "harness_x.py",
    "bus.py",
    "report.py",
    "stage.py",
    # What Python itself imports while a process starts.
    "queue.py",
    "selectors.py",
)
BESIDE: Final = """
from conformance.subjects.harness import HarnessSubject
from harness import Flow, start

class Subject(HarnessSubject):
    name = "beside"

class Harbour(Flow):
    @start()
    def arrive(self):
        return "moored"
"""
TEST: Final = """
import pytest
from harness import LLM

@pytest.mark.cassette("openai/text")
def test_answers(cassette):
    assert list(LLM("openai/gpt-4o-mini").stream_events("How is the harbour tonight?"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: hostile modules of many names, and one of the user's own."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HOSTILE, encoding="utf-8")
    (tmp_path / "beside.py").write_text(BESIDE, encoding="utf-8")
    return tmp_path


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(
        command, cwd=folder, env={**environment, **variables}, capture_output=True, text=True, timeout=120, check=False
    )


@both_ways
def test_a_flow_beside_is_recorded_and_replayed_in_several_processes(harness: list[str], folder: Path) -> None:
    recorded = run([*harness, "record", "beside:Harbour", "-o", "recordings/first"], folder)
    assert recorded.returncode == 0, recorded.stderr
    shutil.copytree(folder / "recordings" / "first", folder / "recordings" / "second")
    replayed = run([*harness, "replay", "-n", "2", "recordings"], folder)
    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert "2 passed, 0 failed, 0 errors" in replayed.stdout


@both_ways
def test_a_runtime_beside_is_found_and_judged_by_our_suite(harness: list[str], folder: Path) -> None:
    done = run([*harness, "conformance", "--runtime", "beside:Subject", "--clause", "llm.no-stream"], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "passed         llm.no-stream (MUST)" in done.stdout
    assert "beside " in done.stdout


def test_a_module_called_cli_is_not_the_command(folder: Path) -> None:
    (folder / "on_the_path").mkdir()
    (folder / "cli.py").rename(folder / "on_the_path" / "cli.py")
    done = run([*SCRIPT, "--version"], folder, PYTHONPATH=str(folder / "on_the_path"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stream-harness ")


def test_pytest_starts_and_its_tests_have_our_fixtures(folder: Path) -> None:
    for name in ("queue.py", "selectors.py"):
        # pytest puts the current folder first, and imports these itself.
        (folder / name).unlink()
    (folder / "test_it.py").write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = run(command, folder, OPENAI_API_KEY="none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("command", ["replay", "conformance"])
def test_a_package_that_shadows_ours_all_the_same_is_named(command: str, folder: Path) -> None:
    paths = folder / "paths"
    (paths / "conformance").mkdir(parents=True)
    (paths / "conformance" / "__init__.py").write_text(HOSTILE, encoding="utf-8")
    done = run([*SCRIPT, command], folder, PYTHONPATH=str(paths))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: '{paths / 'conformance' / '__init__.py'}' is imported as 'conformance' in")
    assert "take its folder off PYTHONPATH" in done.stderr
    assert run([*SCRIPT, "--version"], folder, PYTHONPATH=str(paths)).returncode == 0


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_starts_without_what_is_heavy(option: str, folder: Path) -> None:
    program = f"""
import sys
from harness.commands import main
try:
    main([{option!r}])
finally:
    heavy = {{"pydantic", "vcr", "yaml", "rich", "openai", "httpx", "aiohttp", "asyncio", "jinja2"}} & set(sys.modules)
    print(sorted(heavy), file=sys.stderr)
"""
    done = run([sys.executable, "-P", "-c", program], folder)
    assert (done.returncode, done.stderr) == (0, "[]\n")
