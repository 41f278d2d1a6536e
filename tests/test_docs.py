"""What the pages tell to type works: the first of them as it stands there, the others by name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "five-minutes.md"
#: A block of the page, with what the comment before it says of it.
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(sh|console)\n(.*?)```", re.DOTALL)
#: What a reader does beside the project: it installs, needs a key, or another program.
ELSEWHERE = {"install", "needs a key", "picture"}


def test_five_minutes_are_as_the_page_says(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("OPENAI_API_KEY", None)
    said = ""
    for comment, kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if comment in ELSEWHERE:
            continue
        if kind == "console":
            # What is printed over several lines is one line here.
            assert " ".join(text.split()) in " ".join(said.split()), comment
            continue
        ran = subprocess.run(
            ["bash", "-euc", text], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
        )
        said = ran.stdout + ran.stderr
        assert ran.returncode == (1 if comment == "ends with 1" else 0), f"{text}\n{said}"
    assert {path.name for path in tmp_path.iterdir()} >= {"story.py", "test_story.py", "story.html", "cassettes"}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_commands_of_the_pages_are_those_that_there_are(page: Path) -> None:
    """Each line of shell that calls `harness` names a command, and options of it."""
    from harness.commands import harness as group

    for _, kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        for typed in text.replace("\\\n", " ").splitlines():
            line = typed.removeprefix("$ ")
            if not line.startswith("harness ") or (kind == "console" and not text.startswith("$ ")):
                continue
            name, *words = shlex.split(line.partition("  #")[0])[1:]
            command = group.get_command(None, name)  # type: ignore[arg-type]
            assert command is not None, line
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            named = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert named <= known | {"--help"}, line
