"""A provider on loopback that speaks OpenAI's Responses wire format.

`OpenAIResponsesServer` answers `POST /v1/responses` from a script of scenarios, streamed or plain as the request asks.
`python -m tests.servers.openai.responses --port 8080` serves
the standard script until it is interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.servers.openai.chat import MODELS, check_url_and_key, missing, refusal
from tests.servers.openai.chat_scenarios import Failure
from tests.servers.openai.chat_wire import error, message_text
from tests.servers.openai.responses_scenarios import SCENARIOS, Answer
from tests.servers.openai.responses_wire import Response, events, failure_event, plain, sse
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

#: Azure has the same API under its own path.
_PATHS: Final = frozenset({"/v1/responses", "/openai/v1/responses"})


class OpenAIResponsesServer(ScriptedServer[Answer, Failure]):
    """Answers responses."""

    api = "/v1"
    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        check_url_and_key(asked, _PATHS)
        body = asked.body
        model = str(body.get("model"))
        if model not in MODELS:
            raise RefusedError(
                "no-model", refusal(400, f"The requested model '{model}' does not exist.", code="model_not_found")
            )
        turns, unscripted = _turns(body.get("input") or []), refusal(400, "No scenario has this prompt.")
        name, answer = self.next_answer(body, turns, unscripted=unscripted, missing=missing, model=model)
        response = Response.of(answer, body, MODELS[model], self.seed(f"{name}/{model}"))
        headers = _headers(response.seed)
        if body.get("stream"):
            headers = (("content-type", "text/event-stream; charset=utf-8"), *headers)
            return streamed(
                answer,
                map(sse, events(response)),
                headers,
                lambda failure, after: sse(failure_event(response, failure, after)),
            )
        if answer.failure is not None and not answer.fails:
            raise RefusedError(name, answer.failure)
        text = json.dumps(plain(response), indent=2, ensure_ascii=False).encode()
        return whole(answer, text, (("content-type", "application/json"), *headers))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps(error(failure), indent=2, ensure_ascii=False).encode()
        headers = (("content-type", "application/json; charset=utf-8"), *_headers(self.seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _turns(asked: str | Sequence[Mapping[str, Any]]) -> list[Turn]:
    """The input as turns, which is how scenarios are chosen."""
    if isinstance(asked, str):
        return [Turn("user", asked)]
    calls = {"function_call": "assistant", "function_call_output": "tool"}
    return [
        Turn(item.get("role") or calls.get(str(item.get("type"))), message_text(item.get("content"))) for item in asked
    ]


def _headers(seed: str) -> Headers:
    return (
        ("date", DATE),
        ("openai-processing-ms", "42"),
        ("openai-version", "2020-10-01"),
        ("x-request-id", f"req_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"),
        ("x-content-type-options", "nosniff"),
    )


if __name__ == "__main__":
    serve(OpenAIResponsesServer)
