"""Commands as a test runs them, and a recording for them to read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.recording import Target, record
from tests.commands.command_line import Run, runner
from tests.commands.recordings import SUBJECTS
from tests.servers.openai.chat import OpenAIChatServer


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""
    return runner(capsys)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of one call, not to be changed."""
    root = tmp_path_factory.mktemp("cli")
    with OpenAIChatServer() as server:
        record(Target(f"{SUBJECTS}:text"), root / "text", base_url=server.origin)
    return root / "text"


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "text"))
