"""A provider on loopback that speaks Anthropic's Messages wire format.

`AnthropicServer` answers `POST /v1/messages`, with `?beta=true` or without, from a script of scenarios, streamed or
plain as the request asks.
`python -m tests.servers.anthropic.server --port 8080` serves the standard script until it is interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tests.servers.anthropic.scenarios import SCENARIOS, Answer, Failure
from tests.servers.anthropic.wire import Message, error, request_id, sse, text_of
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

#: The models that the server has, by the name that a request uses, with the snapshot that answers.
MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "claude-sonnet-4-0": "claude-sonnet-4-20250514",
        "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-6": "claude-sonnet-4-6",
    }
)


class AnthropicServer(ScriptedServer[Answer, Failure]):
    """Answers messages."""

    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        path, _, query = asked.path.partition("?")
        if (asked.method, path) != ("POST", "/v1/messages") or query not in {"", "beta=true"}:
            raise RefusedError("unknown-url", Failure(404, "not_found_error", "Not found"))
        if not {"x-api-key", "authorization"} & asked.headers.keys():
            raise RefusedError("no-key", Failure(401, "authentication_error", "an API key is required"))
        if "anthropic-version" not in asked.headers:
            raise RefusedError("no-version", _invalid("anthropic-version: header is required"))
        if not asked.is_readable:
            raise RefusedError("unread", _invalid("The request body is not valid JSON"))
        body = asked.body
        for name in ("model", "messages", "max_tokens"):
            if name not in body:
                raise RefusedError("missing", _missing(name))
        model = str(body["model"])
        if model not in MODELS:
            raise RefusedError("no-model", Failure(404, "not_found_error", f"model: {model}"))
        turns = [Turn(message.get("role"), text_of(message.get("content"))) for message in body["messages"]]
        unscripted = _invalid("messages: no scenario has this prompt")
        name, answer = self.next_answer(body, turns, unscripted=unscripted, missing=_missing)
        return self._answered(name, Message.of(answer, body, MODELS[model], self.seed(f"{name}/{model}")), body)

    def _answered(self, name: str, message: Message, body: Mapping[str, Any]) -> WireResponse:
        answer, headers = message.answer, _headers(message.seed)
        if body.get("stream"):
            of_stream = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
            identified = request_id(message.seed)
            return streamed(
                answer,
                map(sse, message.events()),
                (*of_stream, *headers),
                lambda failure, _: sse(error(failure, identified)),
            )
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        return whole(answer, _json(message.whole()), (("content-type", "application/json"), *headers))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        seed = self.seed(name)
        text = _json(error(failure, request_id(seed)))
        headers = (("content-type", "application/json"), *_headers(seed))
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _invalid(message: str) -> Failure:
    return Failure(400, "invalid_request_error", message)


def _missing(name: str) -> Failure:
    return _invalid(f"{name}: Field required")


def _headers(seed: str) -> Headers:
    return (
        ("date", DATE),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("request-id", request_id(seed)),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("x-robots-tag", "none"),
    )


if __name__ == "__main__":
    serve(AnthropicServer)
