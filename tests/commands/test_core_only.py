"""With nothing but the core installed, each command says in one line what to install."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

#: Makes the SDKs of an environment look absent, as in an installation without extras; comes in as `sitecustomize`.
ABSENT = """
import importlib.machinery, importlib.metadata

def find_spec(real):
    return lambda name, path=None, target=None: None if name.partition(".")[0] in {names} else real(name, path, target)

def discover(real):
    return lambda **which: () if which.get("name") in {names} else real(**which)

importlib.machinery.PathFinder.find_spec = find_spec(importlib.machinery.PathFinder.find_spec)
importlib.metadata.Distribution.discover = discover(importlib.metadata.Distribution.discover)
"""
ABSENT_NAMES = (
    *("anthropic", "azure", "boto3", "botocore", "google", "h11"),
    *("httpcore", "httpcore2", "httpx", "httpx2", "litellm", "openai"),
    *("sse_starlette", "starlette", "uvicorn", "zstandard"),
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("conformance", "--clause", "result.value", "-n", "2"),
            "error: the suite's scripted provider speaks as OpenAI does, and this runtime needs that SDK to ask it: "
            "pip install 'stream-harness[openai]'",
        ),
        (
            ("conformance", "--provider", "anthropic"),
            "error: calls to anthropic need its SDK: pip install 'stream-harness[anthropic]'",
        ),
        (("init",), "error: a first project needs more: pip install 'stream-harness[openai,serve]'"),
        (("serve", "."), "error: serving a recording needs h11: pip install 'stream-harness[serve]'"),
        (
            ("serve", "--app", "my_app:Flow"),
            "error: serving sessions needs Starlette and sse-starlette: pip install 'stream-harness[web]'",
        ),
        (("pack", ".", "-o", "../out"), "error: packs need zstandard: pip install 'stream-harness[pack]'"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_a_missing_extra_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    assert run(tmp_path, *arguments) == (2, "", message)


def test_recordings_of_a_missing_sdk_are_errors_and_no_failures(tmp_path: Path) -> None:
    code, out, error = run(tmp_path, "replay")

    assert code == 2
    assert re.search(
        r"^ +\d\d × calls to openai need its SDK: pip install 'stream-harness\[openai\]'$", out, re.MULTILINE
    )
    assert "0 passed, 0 failed, " in out
    assert error == ""


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of `harness` where the SDKs are absent."""
    path = folder / "path"
    path.mkdir()
    (path / "sitecustomize.py").write_text(ABSENT.format(names=ABSENT_NAMES))
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, " ".join(ended.stderr.split())
