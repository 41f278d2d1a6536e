"""Claims about ported user code: it runs as it type-checks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness import event_bus
from tests.typing import flows
from tests.typing.porting import main, own_sessions
from tests.typing.web import app
from tests.web.asgi import asked, events_of


def test_ported_user_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with event_bus.scoped_handlers():
        chunks, text = main()
    answer = "OUTLINE A STORM EXPAND "
    assert "".join(str(chunk) for chunk in chunks) == answer + answer + "HELLO "
    assert (text, "failed" in capsys.readouterr().out) == ("1", False)


def test_sessions_of_ones_own_have_the_result_of_their_run() -> None:
    assert own_sessions() == (3, "done")


@pytest.mark.parametrize(("path", "host", "events"), [("/", "app.example", 5), ("/ours/app.json", "app.example", 0)])
def test_user_code_that_serves_sessions_runs(path: str, host: str, events: int) -> None:
    client = asyncio.run(asked(app(), path=path, headers={"host": host}))
    assert (client.status, len(events_of(client.body))) == (200, events)


def test_user_code_that_saves_asks_converses_and_declares_runs(tmp_path: Path) -> None:
    assert flows.main(tmp_path) == [
        (2, [3], 1),
        ("a blue sail, , bad", "bad", "blue"),
        "a blue sail, , bad",
        "It is on its way.",
        ("It is on its way.", "yes", ["user", "assistant"], ["Assistant: yes"]),
        ("you said hello", True),
        (5, "doubled.html", 11),
    ]
