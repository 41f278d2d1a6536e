"""A provider on loopback that answers from a script: what is the same whatever its wire format.

A subclass reads its provider's requests and writes its provider's answers. The same requests in the same order get the
same bytes: whatever an answer needs to be told from others is computed from its seed, never drawn.
"""

from __future__ import annotations

import argparse
import json
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

from tests.servers.script import Scenario, Travels, Turn, choose
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

A = TypeVar("A", bound=Travels[Any])
F = TypeVar("F")
Headers = tuple[tuple[str, str], ...]

#: The time of every answer, so that it is the same whenever it is given.
DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """A request as a server read it."""

    method: str
    path: str
    headers: Mapping[str, str]
    #: `{}` where there is none, or none that can be read.
    body: Mapping[str, Any]
    is_readable: bool = True

    @classmethod
    def of(cls, request: WireRequest) -> Asked:
        try:
            body: Any = json.loads(request.body or b"{}")
        except ValueError:
            body = None
        is_readable = isinstance(body, dict)
        return cls(request.method, request.path, request.headers, body if is_readable else {}, is_readable)


class RefusedError(Exception):
    """Raised for a request that is answered with a failure; `name` says which kind of answer this is."""

    def __init__(self, name: str, failure: Any) -> None:
        super().__init__(name)
        self.name = name
        self.failure = failure


class ScriptedServer(WireServer, Generic[A, F]):
    """Answers from `scenarios`; keeps what it was asked in `requests`, in order of arrival."""

    #: The path of the API, with which an SDK's base URL ends.
    api: ClassVar[str] = ""

    #: What it answers where it is given no other scenarios.
    script: ClassVar[Mapping[str, Scenario[Any]]]

    def __init__(self, scenarios: Mapping[str, Scenario[A | F]] | None = None, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios: Mapping[str, Scenario[A | F]] = self.script if scenarios is None else scenarios
        self.requests: list[Asked] = []
        self._seeds: Counter[str] = Counter()
        self._seeds_lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What an SDK takes as its base URL."""
        return f"{self.origin}{self.api}"

    @property
    def bodies(self) -> list[Mapping[str, Any]]:
        """The bodies of the requests."""
        return [asked.body for asked in self.requests]

    def answer(self, request: WireRequest) -> WireResponse:
        asked = Asked.of(request)
        with self.changing():
            self.requests.append(asked)
        try:
            return self.reply(asked)
        except RefusedError as refused:
            return self.failed(refused.name, refused.failure)

    @abstractmethod
    def reply(self, asked: Asked) -> WireResponse:
        """Return what the script has for a request.

        Raises:
            RefusedError: the request is not as the provider wants it, or the script has a failure for it.
        """

    @abstractmethod
    def failed(self, name: str, failure: F) -> WireResponse:
        """Return a failure as an HTTP status."""

    def next_answer(
        self,
        body: Mapping[str, Any],
        turns: Sequence[Turn],
        *,
        unscripted: F,
        missing: Callable[[str], F] | None = None,
        model: str | None = None,
    ) -> tuple[str, A]:
        """Return the name of the scenario that fits, and its next answer.

        Raises:
            RefusedError: none fits, the body lacks a field that the scenario needs, or what comes next is a failure.
        """
        found = choose(self.scenarios, turns, model)
        if found is None:
            raise RefusedError("no-scenario", unscripted)
        name, reply = found
        absent = sorted(self.scenarios[name].needs - body.keys())
        if absent and missing is not None:
            raise RefusedError(name, missing(absent[0]))
        if not isinstance(reply, Travels):
            raise RefusedError(name, reply)
        return name, cast(A, reply)

    def seed(self, name: str) -> str:
        """Return what the ids of one answer are computed from: no two answers of a server share it."""
        with self._seeds_lock:
            self._seeds[name] += 1
            return f"{name}/{self._seeds[name]}"


def streamed(
    answer: Travels[F], events: Iterable[bytes], headers: Headers, report: Callable[[F, int], bytes]
) -> WireResponse:
    """Return an answer as a stream; `report` makes the event of a failure that comes after so many others."""
    sent: list[bytes | Hold] = [*events]
    if answer.cut_after is not None:
        del sent[answer.cut_after :]
    if answer.failure is not None:
        sent.append(report(answer.failure, len(sent)))
    if isinstance(answer.hold, int):
        sent.insert(answer.hold, Hold.HERE)
    return WireResponse(200, headers, tuple(sent), hold_head=answer.hold == "head", ending=answer.ending)


def whole(answer: Travels[Any], text: bytes, headers: Headers) -> WireResponse:
    """Return an answer as one body: half of it where its end is not in order, held before its second half."""
    half = len(text) // 2
    body: tuple[bytes | Hold, ...] = (text,) if answer.ending is Ending.WHOLE else (text[:half],)
    if isinstance(answer.hold, int):
        body = (text[:half], Hold.HERE, text[half:])
    return WireResponse(
        200, headers, body, content_length=len(text), hold_head=answer.hold == "head", ending=answer.ending
    )


def rewritten(response: WireResponse, write: Callable[[Any], bytes]) -> WireResponse:
    """Return a response with its JSON written by `write`, held where it was; one that is cut stays as it is."""
    text = b"".join(part for part in response.body if isinstance(part, bytes))
    if response.content_length is None or len(text) < response.content_length:
        return response
    text = write(json.loads(text))
    half = len(text) // 2
    body = (text[:half], Hold.HERE, text[half:]) if Hold.HERE in response.body else (text,)
    return replace(response, body=body, content_length=len(text))


def serve(server: Callable[..., ScriptedServer[Any, Any]]) -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(description=serve.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with server(port=parser.parse_args().port) as running:
        try:
            # Whoever has read it may interrupt at once.
            print(running.base_url, flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            return
