"""A provider on loopback that speaks Bedrock's Converse and ConverseStream.

`BedrockServer` answers `POST /model/MODEL/converse` and `…/converse-stream` from a script of scenarios. The same
requests in the same order get the same bytes. `python -m tests.servers.bedrock --port 8080` serves the standard script
until it is interrupted.

To Converse, a message that is cut or held is whole where the cut ends in order, else half a body; an error inside its
stream is an HTTP status.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from tests.servers.anthropic import choose
from tests.servers.anthropic_scenarios import Failure, Scenario
from tests.servers.bedrock_scenarios import SCENARIOS
from tests.servers.bedrock_wire import Message, failed, request_id
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

MODELS: Final = frozenset(
    {"us.amazon.nova-micro-v1:0", "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-20250514-v1:0"}
)
_PATH: Final = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
#: The time of every answer, so that it is the same whenever it is given.
_DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


class BedrockServer(WireServer):
    """Answers Converse from `scenarios`; keeps the bodies that it was asked in `bodies`, in order of arrival."""

    def __init__(self, scenarios: Mapping[str, Scenario] = SCENARIOS, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios = scenarios
        self.bodies: list[Mapping[str, Any]] = []
        self._asked: Counter[str] = Counter()
        self._asked_lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What an SDK takes as its endpoint."""
        return self.origin

    def answer(self, request: WireRequest) -> WireResponse:
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            return self._failure("unknown-url", Failure(404, "UnknownOperationException", "Not found"))
        if not re.match(r"AWS4-HMAC-SHA256 |Bearer ", request.headers.get("authorization", "")):
            text = "Missing Authentication Token"
            return self._failure("unsigned", Failure(403, "MissingAuthenticationTokenException", text))
        try:
            body: Any = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return self._failure("unread", _invalid("The request body is not valid JSON."))
        with self.changing():
            self.bodies.append(body)
        return self._message(unquote(found[1]), body, streams=found[2] == "converse-stream")

    def _message(self, model: str, body: Mapping[str, Any], *, streams: bool) -> WireResponse:
        if model not in MODELS:
            return self._failure("no-model", _invalid("The provided model identifier is invalid."))
        found = choose(self.scenarios, body.get("messages", ()))
        if found is None:
            return self._failure("no-scenario", _invalid("No scenario has this prompt."))
        name, reply = found
        missing = sorted(self.scenarios[name].needs - body.keys())
        if missing:
            return self._failure(name, _invalid(f"Value at '{missing[0]}' failed to satisfy constraint."))
        if isinstance(reply, Failure):
            return self._failure(name, reply)
        message = Message.of(reply, body, self._seed(f"{name}/{model}"))
        if streams:
            return _stream(message)
        return self._failure(name, reply.failure) if reply.failure is not None else _plain(message)

    def _failure(self, name: str, failure: Failure) -> WireResponse:
        text = _json({"message": failure.message})
        headers = (*_headers(self._seed(name), "application/json"), ("x-amzn-errortype", failure.type))
        return WireResponse(failure.status, headers, (text,), content_length=len(text))

    def _seed(self, name: str) -> str:
        """What the ids of one answer are computed from: no two answers of a server share it."""
        with self._asked_lock:
            self._asked[name] += 1
            return f"{name}/{self._asked[name]}"


def _stream(message: Message) -> WireResponse:
    answer = message.answer
    events: list[bytes | Hold] = [*message.events()]
    if answer.cut_after is not None:
        del events[answer.cut_after :]
    if answer.failure is not None:
        events.append(failed(answer.failure))
    if answer.hold is not None:
        events.insert(answer.hold, Hold.HERE)
    headers = _headers(message.seed, "application/vnd.amazon.eventstream")
    return WireResponse(200, headers, tuple(events), ending=answer.ending)


def _plain(message: Message) -> WireResponse:
    answer, text = message.answer, _json(message.whole())
    half = len(text) // 2
    body: tuple[bytes | Hold, ...] = (text,) if answer.ending is Ending.WHOLE else (text[:half],)
    if answer.hold is not None:
        body = (text[:half], Hold.HERE, text[half:])
    headers = _headers(message.seed, "application/json")
    return WireResponse(200, headers, body, content_length=len(text), ending=answer.ending)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _invalid(message: str) -> Failure:
    return Failure(400, "ValidationException", message)


def _headers(seed: str, content_type: str) -> tuple[tuple[str, str], ...]:
    return (("date", _DATE), ("content-type", content_type), ("x-amzn-requestid", request_id(seed)))


def main() -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.bedrock", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with BedrockServer(port=parser.parse_args().port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
