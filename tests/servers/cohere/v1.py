"""A provider on loopback that speaks the first version of Cohere's chat API.

`CohereServer` answers `POST /v1/chat` from the texts of the chat server's script.
Source: https://docs.cohere.com/v1/reference/chat and …/chat-stream (2026-11).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.servers.openai.chat import OpenAIChatServer, check_url_and_key, refusal
from tests.servers.openai.chat_scenarios import Failure
from tests.servers.openai.chat_wire import Message
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, serve, streamed, whole
from tests.servers.wire_server import WireResponse

_ROLES = {"USER": "user", "CHATBOT": "assistant"}


class CohereServer(OpenAIChatServer):
    """Answers chats."""

    api = ""
    models = {"command-r-08-2024": "command-r-08-2024"}
    paths: ClassVar[frozenset[str]] = frozenset({"/v1/chat"})

    def reply(self, asked: Asked) -> WireResponse:
        check_url_and_key(asked, self.paths)
        return self.complete(asked.body)

    def complete(self, body: Mapping[str, Any]) -> WireResponse:
        model = str(body.get("model"))
        if model not in self.models:
            raise RefusedError(
                "no-model", refusal(404, f"model '{model}' not found, make sure the correct model ID was used")
            )
        said = [*body.get("chat_history", ()), {"role": "USER", "message": body["message"]}]
        turns = [Turn(_ROLES.get(one["role"]), one.get("message", "")) for one in said]
        name, answer = self.next_answer(
            body, turns, unscripted=refusal(400, "no scenario has this prompt"), missing=_missing, model=model
        )
        messages = [{"content": turn.text} for turn in turns]
        message = Message.of(answer, {**body, "messages": messages}, model, self.seed(f"{name}/{model}"))
        headers = _headers(message.seed)
        response = _response(message, said)
        if body.get("stream"):
            lines = map(_line, _events(message, response))
            kind = ("content-type", "application/stream+json")
            return streamed(answer, lines, (kind, *headers), lambda failure, _: _line({"message": failure.message}))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        text = json.dumps(response, separators=(",", ":"), ensure_ascii=False)
        return whole(answer, text.encode(), (("content-type", "application/json"), *headers))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps({"message": failure.message}, ensure_ascii=False).encode()
        headers = (("content-type", "application/json"), *_headers(self.seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _missing(name: str) -> Failure:
    return refusal(400, f"{name} is missing")


def _headers(seed: str) -> Headers:
    return (("date", DATE), ("x-debug-trace-id", uuid.uuid5(uuid.NAMESPACE_URL, seed).hex))


def _id(message: Message, kind: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{message.seed}/{kind}"))


def _calls(message: Message) -> list[dict[str, Any]]:
    return [{"name": call.name, "parameters": json.loads(call.arguments)} for call in message.calls]


def _response(message: Message, said: list[dict[str, Any]]) -> dict[str, Any]:
    counted, text = message.usage, "".join(message.text)
    called = {"tool_calls": _calls(message)} if message.calls else {}
    tokens = {"input_tokens": counted["prompt_tokens"], "output_tokens": counted["completion_tokens"]}
    return {
        "response_id": _id(message, "response"),
        "text": text,
        "generation_id": _id(message, "generation"),
        "chat_history": [*said, {"role": "CHATBOT", "message": text, **called}],
        # It says that it is complete where it asks for tools, too.
        "finish_reason": "MAX_TOKENS" if message.finish_reason == "length" else "COMPLETE",
        "meta": {"api_version": {"version": "1"}, "billed_units": tokens, "tokens": tokens},
        **called,
    }


def _events(message: Message, response: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"is_finished": False, "event_type": "stream-start", "generation_id": response["generation_id"]}
    for piece in message.text:
        yield {"is_finished": False, "event_type": "text-generation", "text": piece}
    if message.calls:
        yield {"is_finished": False, "event_type": "tool-calls-generation", "tool_calls": _calls(message)}
    reason = response["finish_reason"]
    yield {"is_finished": True, "event_type": "stream-end", "response": response, "finish_reason": reason}


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    serve(CohereServer)
