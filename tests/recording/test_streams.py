"""stdout and stderr around runs: whatever those do to them, they are afterwards what they were."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from harness.recording.streams import streams_put_back


class Writing:
    """All that a stream needs for `print`."""

    def write(self, text: str) -> None:
        """Drop it."""


def test_a_stream_that_another_run_had_put_there_for_a_while_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", before := io.StringIO())
    first, second = streams_put_back(), streams_put_back()
    first.__enter__()
    sys.stdout = io.StringIO()
    second.__enter__()
    sys.stdout = before
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert sys.stdout is before


def test_a_stream_that_can_only_be_written_to_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Any = Writing()
    monkeypatch.setattr(sys, "stdout", before)
    with streams_put_back():
        sys.stdout = io.StringIO()
    assert sys.stdout is before


def test_a_stream_that_a_run_deletes_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", before := io.StringIO())
    with streams_put_back():
        del sys.stderr
    assert sys.stderr is before
