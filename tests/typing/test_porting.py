"""Claims about ported user code: it runs as it type-checks."""

from __future__ import annotations

import pytest

from harness import event_bus
from tests.typing.porting import main, own_sessions


def test_ported_user_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with event_bus.scoped_handlers():
        chunks, text = main()
    answer = "OUTLINE A STORM EXPAND "
    assert "".join(str(chunk) for chunk in chunks) == answer + answer + "HELLO "
    assert (text, "failed" in capsys.readouterr().out) == ("1", False)


def test_sessions_of_ones_own_have_the_result_of_their_run() -> None:
    assert own_sessions() == (3, "done")
