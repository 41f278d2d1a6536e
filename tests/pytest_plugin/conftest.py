"""pytest inside pytest: in a process of its own, with the plugins of a test and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
InnerRun = Callable[..., pytest.RunResult]

#: A loopback server that speaks chat completions, and one test's call of it.
CALLS = """
from harness import LLM

def answer(question="How is the harbour tonight?"):
    session = LLM("openai/gpt-4o-mini", api_key="sk-none").stream_events(question)
    for frame in session.events:
        pass
    return session
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> InnerRun:
    """Run pytest on these files, as `name="source"`, with more arguments and more plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\naddopts = ["--strict-markers"]\nxfail_strict = true\n'
    )
    pytester.makepyfile(calls=CALLS)

    def run(*arguments: str, plugins: tuple[str, ...] = (), **files: str) -> pytest.RunResult:
        if files:
            pytester.makepyfile(**files)
        loaded = [part for name in ("harness.pytest_plugin", *plugins) for part in ("-p", name)]
        return pytester.runpytest_subprocess(*loaded, "-rA", *arguments, timeout=100)

    return run
