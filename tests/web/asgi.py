"""An ASGI client without a network: it takes what it is sent when the test lets it, and leaves when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from tests.web.sessions import PATIENCE_S

#: Where requests without a Host of their own go.
HOST = "127.0.0.1:8000"


class Client:
    """One request to an ASGI app, made when it is entered; the block's end is the client's leaving."""

    def __init__(
        self,
        app: Any,
        *,
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        query: str = "",
        method: str = "GET",
        body: bytes = b"",
    ) -> None:
        self.app = app
        given = {"host": HOST, **(headers or {})}
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        self.request = body
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.done = False
        self._takes = asyncio.Event()
        self._stalls_after = -1
        self._grew = asyncio.Event()
        self._left = asyncio.Event()
        self._sent = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.app(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.leave()
        async with asyncio.timeout(PATIENCE_S):
            await self._task

    def leave(self) -> None:
        self._left.set()

    def stall(self, messages: int) -> None:
        """Take so many messages, and then nothing until `take`."""
        self._stalls_after = messages

    def take(self) -> None:
        self._stalls_after = -1
        self._takes.set()

    async def events(self, count: int) -> list[dict[str, str]]:
        """Wait until so many events have come; return all."""
        await self.when(lambda: self.done or len(events_of(self.body)) >= count)
        return events_of(self.body)

    async def until(self, text: bytes, times: int = 1) -> None:
        """Wait until `text` has come so often, and the event that it is in is whole."""

        def has_come() -> bool:
            found = self.body.count(text) >= times and b"\n\n" in self.body[self.body.rindex(text) :]
            assert found or not self.done, f"{text!r} never came: {self.body.decode()}"
            return found

        await self.when(has_come)

    async def whole(self) -> list[dict[str, str]]:
        """Wait for the end of the answer; return all events."""
        await self.when(lambda: self.done)
        return events_of(self.body)

    async def when(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds of what has come."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._grew.clear()
                await self._grew.wait()

    async def _receive(self) -> dict[str, Any]:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self.request, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._stalls_after == 0:
            await self._takes.wait()
        self._stalls_after -= 1
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.done = not message.get("more_body", False)
        self._grew.set()


async def asked(app: Any, **request: Any) -> Client:
    """Make a request, and return the client once it has the whole answer."""
    client = Client(app, **request)
    async with client:
        await client.whole()
    return client


def events_of(body: bytes) -> list[dict[str, str]]:
    """Return the finished events of a stream as the HTML standard reads them, with their comments left out."""
    events = []
    for block in body.decode().split("\n\n")[:-1]:
        event: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data" and "data" in event:
                value = f"{event['data']}\n{value}"
            if name:
                event[name] = value
        if "data" in event:
            events.append(event)
    return events
