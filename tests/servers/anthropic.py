"""A provider on loopback that speaks Anthropic's Messages wire format.

`AnthropicServer` answers `POST /v1/messages`, with `?beta=true` or without, from a script of scenarios, streamed or
plain as the request asks. The same requests in the same order get the same bytes.
`python -m tests.servers.anthropic --port 8080` serves the standard script until it is interrupted.

To a request that does not stream, a message that is cut or held is whole where the cut ends in order, else half a body;
an error inside its stream is an HTTP status.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from tests.servers.anthropic_scenarios import SCENARIOS, Answer, Failure, Scenario
from tests.servers.anthropic_wire import Message, error, request_id, sse, text_of
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

#: The models that the server has, by the name that a request uses, with the snapshot that answers.
MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "claude-sonnet-4-0": "claude-sonnet-4-20250514",
        "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-6": "claude-sonnet-4-6",
    }
)

#: The time of every answer, so that it is the same whenever it is given.
_DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


class AnthropicServer(WireServer):
    """Answers messages from `scenarios`; keeps the bodies that it was asked in `bodies`, in order of arrival."""

    def __init__(self, scenarios: Mapping[str, Scenario] = SCENARIOS, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios = scenarios
        self.bodies: list[Mapping[str, Any]] = []
        self._asked: Counter[str] = Counter()
        self._asked_lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What an SDK takes as its base URL."""
        return self.origin

    def answer(self, request: WireRequest) -> WireResponse:
        path, _, query = request.path.partition("?")
        if (request.method, path) != ("POST", "/v1/messages") or query not in {"", "beta=true"}:
            return self._failure("unknown-url", Failure(404, "not_found_error", "Not found"))
        if not {"x-api-key", "authorization"} & request.headers.keys():
            return self._failure("no-key", Failure(401, "authentication_error", "an API key is required"))
        if "anthropic-version" not in request.headers:
            return self._failure("no-version", _invalid("anthropic-version: header is required"))
        try:
            body: Any = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return self._failure("unread", _invalid("The request body is not valid JSON"))
        with self.changing():
            self.bodies.append(body)
        return self._message(body)

    def _message(self, body: Mapping[str, Any]) -> WireResponse:
        for name in ("model", "messages", "max_tokens"):
            if name not in body:
                return self._failure("missing", _invalid(f"{name}: Field required"))
        model = str(body["model"])
        if model not in MODELS:
            return self._failure("no-model", Failure(404, "not_found_error", f"model: {model}"))
        found = choose(self.scenarios, body["messages"])
        if found is None:
            return self._failure("no-scenario", _invalid("messages: no scenario has this prompt"))
        name, reply = found
        missing = sorted(self.scenarios[name].needs - body.keys())
        if missing:
            return self._failure(name, _invalid(f"{missing[0]}: Field required"))
        if isinstance(reply, Failure):
            return self._failure(name, reply)
        message = Message.of(reply, body, MODELS[model], self._seed(f"{name}/{model}"))
        if body.get("stream"):
            return _stream(message)
        return self._failure(name, reply.failure) if reply.failure is not None else _plain(message)

    def _failure(self, name: str, failure: Failure) -> WireResponse:
        seed = self._seed(name)
        text = _json(error(failure, request_id(seed)))
        headers = (("content-type", "application/json"), *_headers(seed))
        return WireResponse(failure.status, headers, (text,), content_length=len(text))

    def _seed(self, name: str) -> str:
        """What the ids of one answer are computed from: no two answers of a server share it."""
        with self._asked_lock:
            self._asked[name] += 1
            return f"{name}/{self._asked[name]}"


def choose(
    scenarios: Mapping[str, Scenario], messages: Sequence[Mapping[str, Any]]
) -> tuple[str, Answer | Failure] | None:
    """Return the scenario's name and the reply that comes next in it, or None where no scenario fits."""
    asked = [(place, text_of(message.get("content"))) for place, message in enumerate(messages)]
    texts = [(place, text) for place, text in asked if text and messages[place].get("role") == "user"]
    if not texts:
        return None
    place, prompt = texts[-1]
    fitting = [(len(scenario.prompt), name) for name, scenario in scenarios.items() if scenario.prompt in prompt]
    if not fitting:
        return None
    name = max(fitting)[1]
    replies = scenarios[name].replies
    step = sum(message.get("role") == "assistant" for message in messages[place + 1 :])
    return name, replies[min(step, len(replies) - 1)]


def _stream(message: Message) -> WireResponse:
    answer = message.answer
    events: list[bytes | Hold] = [sse(event) for event in message.events()]
    if answer.cut_after is not None:
        del events[answer.cut_after :]
    if answer.failure is not None:
        events.append(sse(error(answer.failure, request_id(message.seed))))
    if answer.hold is not None:
        events.insert(answer.hold, Hold.HERE)
    headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
    return WireResponse(200, (*headers, *_headers(message.seed)), tuple(events), ending=answer.ending)


def _plain(message: Message) -> WireResponse:
    answer, text = message.answer, _json(message.whole())
    half = len(text) // 2
    body: tuple[bytes | Hold, ...] = (text,) if answer.ending is Ending.WHOLE else (text[:half],)
    if answer.hold is not None:
        body = (text[:half], Hold.HERE, text[half:])
    headers = (("content-type", "application/json"), *_headers(message.seed))
    return WireResponse(200, headers, body, content_length=len(text), ending=answer.ending)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _invalid(message: str) -> Failure:
    return Failure(400, "invalid_request_error", message)


def _headers(seed: str) -> tuple[tuple[str, str], ...]:
    return (
        ("date", _DATE),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("request-id", request_id(seed)),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("x-robots-tag", "none"),
    )


def main() -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.anthropic", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with AnthropicServer(port=parser.parse_args().port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
