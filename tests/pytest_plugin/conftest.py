"""pytest inside pytest: in a process of its own, with the plugins of a test and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warm import WarmPython

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
def started(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> InnerRun:
    """Run pytest on these files, as `name="source"`, with more arguments and more plugins."""
    _prepare(pytester, monkeypatch)

    def run(*arguments: str, plugins: tuple[str, ...] = (), **files: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*_written(pytester, arguments, plugins, files), timeout=100)

    return run


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm_python: WarmPython) -> InnerRun:
    """Do as `started` does, in a process that has the libraries imported."""
    _prepare(pytester, monkeypatch)

    def run(*arguments: str, plugins: tuple[str, ...] = (), **files: str) -> pytest.RunResult:
        written = _written(pytester, arguments, plugins, files)
        streams = [pytester.path / name for name in ("stdout", "stderr")]
        with streams[0].open("wb") as stdout, streams[1].open("wb") as stderr:
            code = warm_python.run("pytest", *written, stdout=stdout, stderr=stderr, timeout_s=100)
        out, err = (path.read_text("utf-8") for path in streams)
        print(out, err)
        return pytest.RunResult(code, out.splitlines(), err.splitlines(), 0.0)

    return run


def _prepare(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\naddopts = ["--strict-markers"]\nxfail_strict = true\n'
    )
    pytester.makepyfile(calls=CALLS)


def _written(
    pytester: pytest.Pytester, arguments: tuple[str, ...], plugins: tuple[str, ...], files: dict[str, str]
) -> list[str]:
    """Write the files; return what pytest is called with."""
    if files:
        pytester.makepyfile(**files)
    loaded = [part for name in ("harness.pytest_plugin", *plugins) for part in ("-p", name)]
    return [*loaded, "-rA", *arguments]
