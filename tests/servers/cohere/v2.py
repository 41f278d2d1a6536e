"""A provider on loopback that speaks the second version of Cohere's chat API.

`CohereV2Server` answers `POST /v2/chat` from the texts of the chat server's script, and one in which the model thinks.
Source: https://docs.cohere.com/reference/chat and …/chat-stream (2026-11).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.servers.openai.chat import OpenAIChatServer, check_url_and_key, refusal
from tests.servers.openai.chat_scenarios import Failure
from tests.servers.openai.chat_wire import Message, message_text, pieces
from tests.servers.openai.compatible import SCENARIOS
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, serve, streamed, whole
from tests.servers.wire_server import WireResponse

_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL"}


class CohereV2Server(OpenAIChatServer):
    """Answers chats."""

    api = ""
    models = {"command-a-reasoning-08-2025": "command-a-reasoning-08-2025"}
    paths: ClassVar[frozenset[str]] = frozenset({"/v2/chat"})
    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        check_url_and_key(asked, self.paths)
        return self.complete(asked.body)

    def complete(self, body: Mapping[str, Any]) -> WireResponse:
        model = str(body.get("model"))
        if model not in self.models:
            raise RefusedError("no-model", refusal(404, f"model '{model}' not found"))
        turns = [Turn(one["role"], message_text(one.get("content"))) for one in body["messages"]]
        missing = refusal(400, "a field is missing")
        name, answer = self.next_answer(
            body,
            turns,
            unscripted=refusal(400, "no scenario has this prompt"),
            missing=lambda _: missing,
            model=model,
        )
        message = Message.of(answer, body, model, self.seed(f"{name}/{model}"))
        headers = _headers(message.seed)
        if body.get("stream"):
            events = [*map(_sse, _events(message)), b"data: [DONE]\n\n"]
            kind = ("content-type", "text/event-stream")
            return streamed(answer, events, (kind, *headers), lambda failure, _: _sse({"message": failure.message}))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        text = json.dumps(_response(message), separators=(",", ":"), ensure_ascii=False)
        return whole(answer, text.encode(), (("content-type", "application/json"), *headers))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps({"message": failure.message}, ensure_ascii=False).encode()
        headers = (("content-type", "application/json"), *_headers(self.seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _headers(seed: str) -> Headers:
    return (("date", DATE), ("x-debug-trace-id", uuid.uuid5(uuid.NAMESPACE_URL, seed).hex))


def _blocks(message: Message) -> list[tuple[str, tuple[str, ...]]]:
    said = (("thinking", message.reasoning), ("text", message.text))
    return [(kind, told) for kind, told in said if told]


def _end(message: Message) -> dict[str, Any]:
    counted = message.usage
    tokens = {"input_tokens": counted["prompt_tokens"], "output_tokens": counted["completion_tokens"]}
    usage = {"billed_units": tokens, "tokens": tokens, "cached_tokens": 0}
    return {"finish_reason": _REASONS[message.finish_reason], "usage": usage}


def _call(message: Message, index: int, arguments: str) -> dict[str, Any]:
    name = message.calls[index].name
    called = f"{name}_{message.call_id(index)[5:17].lower()}"
    return {"id": called, "type": "function", "function": {"name": name, "arguments": arguments}}


def _response(message: Message) -> dict[str, Any]:
    content = [{"type": kind, kind: "".join(told)} for kind, told in _blocks(message)]
    calls = [_call(message, index, call.arguments) for index, call in enumerate(message.calls)]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, message.seed)),
        "message": {
            "role": "assistant",
            **({"content": content} if content else {}),
            **({"tool_calls": calls} if calls else {}),
        },
        **_end(message),
    }


def _events(message: Message) -> Iterator[dict[str, Any]]:
    begun = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    answer_id = str(uuid.uuid5(uuid.NAMESPACE_URL, message.seed))
    yield {"id": answer_id, "type": "message-start", "delta": {"message": begun}}
    for index, (kind, told) in enumerate(_blocks(message)):
        yield _event("content-start", index, content={"type": kind, kind: ""})
        for piece in told:
            yield _event("content-delta", index, content={kind: piece})
        yield {"type": "content-end", "index": index}
    for index, call in enumerate(message.calls):
        yield _event("tool-call-start", index, tool_calls=_call(message, index, ""))
        for piece in pieces(call.arguments):
            yield _event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}})
        yield {"type": "tool-call-end", "index": index}
    yield {"type": "message-end", "delta": _end(message)}


def _event(kind: str, index: int, **said: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": said}}


def _sse(event: Mapping[str, Any]) -> bytes:
    named = f"event: {event['type']}\n" if "type" in event else ""
    return f"{named}data: {json.dumps(event, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()


if __name__ == "__main__":
    serve(CohereV2Server)
