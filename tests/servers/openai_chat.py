"""A provider on loopback that speaks OpenAI's chat-completions wire format.

`OpenAIChatServer` answers `POST /v1/chat/completions` from a script of scenarios, streamed or plain as the request
asks. The same requests in the same order get the same bytes: ids, times and padding are computed, never drawn.
`python -m tests.servers.openai_chat --port 8080` serves the standard script until it is interrupted.

A message that is cut, held or broken by an error inside its stream is, to a request that does not stream: whole where
the cut ends in order, else half a body; held before its second half; the error as an HTTP status.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from tests.servers.openai_chat_scenarios import SCENARIOS, Completion, Failure, Scenario
from tests.servers.openai_chat_wire import Message, chunks, completion, error, message_text, sse
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

#: The models that the server has, by the name that a request uses, with the snapshot that answers.
MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gpt-4.1": "gpt-4.1-2025-04-14",
        "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
        "gpt-4o": "gpt-4o-2024-08-06",
        "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    }
)

#: The time of `CREATED`, so that an answer is the same whenever it is given.
_DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


@dataclass(frozen=True)
class ChatRequest:
    """A request as the server read it; `body` is the JSON, `{}` where there was none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class OpenAIChatServer(WireServer):
    """Answers chat completions from `scenarios`; keeps what it was asked in `requests`, in order of arrival."""

    #: The models that this server has, and its paths.
    models: ClassVar[Mapping[str, str]] = MODELS
    paths: ClassVar[frozenset[str]] = frozenset({"/v1/chat/completions"})

    def __init__(self, scenarios: Mapping[str, Scenario] = SCENARIOS, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios = scenarios
        self.requests: list[ChatRequest] = []
        self._asked: Counter[str] = Counter()
        self._asked_lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """What an SDK takes as its base URL."""
        return f"{self.origin}/v1"

    def answer(self, request: WireRequest) -> WireResponse:
        try:
            parsed: Any = json.loads(request.body or b"{}")
        except ValueError:
            parsed = None
        body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
        with self.changing():
            self.requests.append(ChatRequest(request.method, request.path, request.headers, body))
        if not isinstance(parsed, dict):
            return self._failure("unread", _bad_request("We could not parse the JSON body of your request."))
        if request.method != "POST" or request.path.partition("?")[0] not in self.paths:
            return self._failure(
                "unknown-url",
                Failure(404, f"Invalid URL ({request.method} {request.path})", "invalid_request_error"),
            )
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return self._failure("no-key", Failure(401, "You didn't provide an API key.", "invalid_request_error"))
        return self._complete(body)

    def _complete(self, body: Mapping[str, Any]) -> WireResponse:
        model = str(body.get("model"))
        if model not in self.models:
            text = f"The model `{model}` does not exist or you do not have access to it."
            return self._failure("no-model", Failure(404, text, "invalid_request_error", code="model_not_found"))
        messages: Sequence[Mapping[str, Any]] = body.get("messages") or []
        found = choose(self.scenarios, model, messages)
        if found is None:
            return self._failure("no-scenario", _bad_request("No scenario has this prompt.", param="messages"))
        name, reply = found
        missing = sorted(self.scenarios[name].needs - body.keys())
        if missing:
            return self._failure(name, _bad_request(f"Missing required parameter: '{missing[0]}'.", param=missing[0]))
        if isinstance(reply, Failure):
            return self._failure(name, reply)
        message = Message.of(reply, body, self.models[model], self._seed(f"{name}/{model}"))
        headers = _headers(message.seed)
        if not body.get("stream"):
            if reply.failure is not None:
                return self._failure(name, reply.failure)
            return _plain(message, reply, headers)
        return _stream(message, reply, headers, body.get("stream_options") or {})

    def _failure(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps(error(failure), indent=4, ensure_ascii=False).encode() + b"\n"
        headers = (("content-type", "application/json; charset=utf-8"), *_headers(self._seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))

    def _seed(self, name: str) -> str:
        """What the ids of one answer are computed from: no two answers of a server share it."""
        with self._asked_lock:
            self._asked[name] += 1
            return f"{name}/{self._asked[name]}"


def choose(
    scenarios: Mapping[str, Scenario], model: str, messages: Sequence[Mapping[str, Any]]
) -> tuple[str, Completion | Failure] | None:
    """Return the scenario's name and the reply that comes next in it, or None where no scenario fits."""
    asked = max((n for n, message in enumerate(messages) if message.get("role") == "user"), default=None)
    if asked is None:
        return None
    prompt = message_text(messages[asked].get("content"))
    fitting = [
        (len(scenario.prompt), name)
        for name, scenario in scenarios.items()
        if scenario.prompt in prompt and scenario.model in (None, model)
    ]
    if not fitting:
        return None
    name = max(fitting)[1]
    replies = scenarios[name].replies
    step = sum(message.get("role") == "assistant" for message in messages[asked + 1 :])
    return name, replies[min(step, len(replies) - 1)]


def _stream(
    message: Message, reply: Completion, headers: tuple[tuple[str, str], ...], options: Mapping[str, Any]
) -> WireResponse:
    events: list[bytes | Hold] = [sse(chunk) for chunk in chunks(message, options)]
    events.append(b"data: [DONE]\n\n")
    if reply.cut_after is not None:
        del events[reply.cut_after :]
    if reply.failure is not None:
        events.append(sse(error(reply.failure)))
    if isinstance(reply.hold, int):
        events.insert(reply.hold, Hold.HERE)
    return WireResponse(
        200,
        (("content-type", "text/event-stream; charset=utf-8"), *headers),
        tuple(events),
        hold_head=reply.hold == "head",
        ending=reply.ending,
    )


def _plain(message: Message, reply: Completion, headers: tuple[tuple[str, str], ...]) -> WireResponse:
    text = json.dumps(completion(message), indent=2, ensure_ascii=False).encode() + b"\n"
    half = len(text) // 2
    body: tuple[bytes | Hold, ...] = (text[:half],) if reply.ending is not Ending.WHOLE else (text[:half], text[half:])
    if isinstance(reply.hold, int):
        body = (body[0], Hold.HERE, *body[1:])
    return WireResponse(
        200,
        (("content-type", "application/json"), *headers),
        body,
        content_length=len(text),
        hold_head=reply.hold == "head",
        ending=reply.ending,
    )


def _bad_request(message: str, *, param: str | None = None) -> Failure:
    return Failure(400, message, "invalid_request_error", param=param)


def _headers(seed: str) -> tuple[tuple[str, str], ...]:
    return (
        ("date", _DATE),
        ("access-control-expose-headers", "X-Request-ID"),
        ("openai-processing-ms", "42"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-limit-tokens", "200000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-remaining-tokens", "199990"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-reset-tokens", "3ms"),
        ("x-request-id", f"req_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"),
        ("x-content-type-options", "nosniff"),
    )


def main() -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.openai_chat", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with OpenAIChatServer(port=parser.parse_args().port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
