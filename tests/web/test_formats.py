"""Claims about the forms of other protocols: what is served is what the bridges say, resumed at every event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from harness.bridges import agui_events, vercel_events
from harness.web import sse
from tests.web import targets
from tests.web.asgi import Client, asked, events_of
from tests.web.sessions import Words

pytestmark = pytest.mark.asyncio

FORMATS: dict[str, tuple[Callable[[Iterable[Any]], Iterable[Any]], list[str]]] = {
    "agui": (agui_events, []),
    "vercel": (vercel_events, ["[DONE]"]),
}
of_each_format = pytest.mark.parametrize("format", FORMATS)


def tide_session() -> Any:
    return targets.TideFlow().stream_events()


def data_of(events: list[dict[str, str]]) -> list[Any]:
    return [event["data"] if event["data"].startswith("[") else json.loads(event["data"]) for event in events]


@of_each_format
async def test_what_is_served_is_what_the_bridge_makes_of_the_timeline(format: str) -> None:
    session = tide_session()
    client = await asked(sse(session, format=format))
    translated, done = FORMATS[format]

    events = events_of(client.body)
    assert data_of(events) == [*translated(session.frames), *done]
    assert all("event" not in event for event in events)
    assert client.headers.get("x-vercel-ai-ui-message-stream") == ("v1" if format == "vercel" else None)


@of_each_format
async def test_a_client_cut_off_after_each_event_has_all_events_once(format: str) -> None:
    session = tide_session()
    received: list[dict[str, str]] = []
    while True:
        headers = {"last-event-id": received[-1]["id"]} if received else {}
        client = Client(sse(session, format=format, linger_s=None), headers=headers)
        async with client:
            new = await client.events(1)
        if client.status == 204:
            break
        received += new[:1]
    translated, done = FORMATS[format]
    assert data_of(received) == [*translated(session.frames), *done]


@pytest.mark.parametrize("format", ["frames", *FORMATS])
@pytest.mark.parametrize(("text", "told"), [("no session", "no session"), ("no \ud800", "no \\ud800")])
async def test_an_error_that_no_frame_tells_of_is_told(format: str, text: str, told: str) -> None:
    class Broken:
        is_completed = is_cancelled = False
        frames: tuple[str, ...] = ()

        def __iter__(self) -> Any:
            raise LookupError(text)

        def close(self) -> None: ...

    events = data_of(events_of((await asked(sse(Broken(), format=format))).body))
    assert json.dumps(told) in json.dumps(events)


@of_each_format
async def test_an_id_of_another_format_is_refused(format: str) -> None:
    client = await asked(sse(Words(1).stream_events("Go on"), format=format), headers={"last-event-id": "2"})
    assert client.status == 400
