"""Claims about ported user code: it runs as it type-checks."""

from __future__ import annotations

import asyncio

import pytest

from harness import event_bus
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
