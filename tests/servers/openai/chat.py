"""A provider on loopback that speaks OpenAI's chat-completions wire format.

`OpenAIChatServer` answers `POST /v1/chat/completions` from a script of scenarios, streamed or plain as the request
asks.
`python -m tests.servers.openai.chat --port 8080` serves the standard script until it is interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from tests.servers.openai.chat_scenarios import SCENARIOS, Completion, Failure
from tests.servers.openai.chat_wire import Message, chunks, completion, error, message_text, sse
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

#: The models that the server has, by the name that a request uses, with the snapshot that answers.
MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gpt-4.1": "gpt-4.1-2025-04-14",
        "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
        "gpt-4o": "gpt-4o-2024-08-06",
        "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    }
)


class OpenAIChatServer(ScriptedServer[Completion, Failure]):
    """Answers chat completions."""

    api = "/v1"
    #: The models that this server has, and its paths.
    models: ClassVar[Mapping[str, str]] = MODELS
    paths: ClassVar[frozenset[str]] = frozenset({"/v1/chat/completions"})
    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        if not asked.is_readable:
            raise RefusedError("unread", refusal(400, "We could not parse the JSON body of your request."))
        check_url_and_key(asked, self.paths)
        return self.complete(asked.body)

    def complete(self, body: Mapping[str, Any]) -> WireResponse:
        """Return what the script has for the body of a request.

        Raises:
            RefusedError: as `reply` does.
        """
        model = str(body.get("model"))
        if model not in self.models:
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise RefusedError("no-model", refusal(404, text, code="model_not_found"))
        turns = [Turn(one.get("role"), message_text(one.get("content"))) for one in body.get("messages") or []]
        unscripted = refusal(400, "No scenario has this prompt.", param="messages")
        name, answer = self.next_answer(body, turns, unscripted=unscripted, missing=missing, model=model)
        message = Message.of(answer, body, self.models[model], self.seed(f"{name}/{model}"))
        headers = _headers(message.seed)
        if body.get("stream"):
            events = [*map(sse, chunks(message, body.get("stream_options") or {})), b"data: [DONE]\n\n"]
            headers = (("content-type", "text/event-stream; charset=utf-8"), *headers)
            return streamed(answer, events, headers, lambda failure, _: sse(error(failure)))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        text = json.dumps(completion(message), indent=2, ensure_ascii=False) + "\n"
        return whole(answer, text.encode(), (("content-type", "application/json"), *headers))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps(error(failure), indent=4, ensure_ascii=False).encode() + b"\n"
        headers = (("content-type", "application/json; charset=utf-8"), *_headers(self.seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def check_url_and_key(asked: Asked, paths: frozenset[str]) -> None:
    """Refuse what is no `POST` to one of `paths` with a bearer's key. Raises RefusedError."""
    if asked.method != "POST" or asked.path.partition("?")[0] not in paths:
        raise RefusedError("unknown-url", refusal(404, f"Invalid URL ({asked.method} {asked.path})"))
    if not asked.headers.get("authorization", "").startswith("Bearer "):
        raise RefusedError("no-key", refusal(401, "You didn't provide an API key."))


def refusal(status: int, message: str, *, code: str | None = None, param: str | None = None) -> Failure:
    return Failure(status, message, "invalid_request_error", code, param)


def missing(name: str) -> Failure:
    return refusal(400, f"Missing required parameter: '{name}'.", param=name)


def _headers(seed: str) -> Headers:
    return (
        ("date", DATE),
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


if __name__ == "__main__":
    serve(OpenAIChatServer)
