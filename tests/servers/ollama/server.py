"""A provider on loopback that speaks Ollama's own chat API.

`OllamaServer` answers `POST /api/chat` from the texts of the chat server's script, and one in which the model thinks.
Sources: https://docs.ollama.com/api/chat, …/api/streaming and …/api/errors (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.servers.openai.chat import OpenAIChatServer, check_url_and_key, refusal
from tests.servers.openai.chat_scenarios import Failure
from tests.servers.openai.chat_wire import Message
from tests.servers.openai.compatible import SCENARIOS
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, RefusedError, serve, streamed, whole
from tests.servers.wire_server import WireResponse

_NANOSECONDS = 1_000_000


class OllamaServer(OpenAIChatServer):
    """Answers chats."""

    api = ""
    models = {"gpt-oss:20b": "gpt-oss:20b"}
    paths: ClassVar[frozenset[str]] = frozenset({"/api/chat"})
    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        check_url_and_key(asked, self.paths)
        body = dict(asked.body)
        if "format" in body:
            body["response_format"] = body["format"]
        return self.complete(body)

    def complete(self, body: Mapping[str, Any]) -> WireResponse:
        model = str(body.get("model"))
        if model not in self.models:
            raise RefusedError("no-model", refusal(404, f"model '{model}' not found"))
        for message in body["messages"]:
            if not isinstance(message.get("content"), str):
                raise RefusedError("unread", refusal(400, "json: cannot unmarshal into Go struct field content"))
        turns = [Turn(one["role"], one["content"]) for one in body["messages"]]
        name, answer = self.next_answer(
            body, turns, unscripted=refusal(400, "no scenario has this prompt"), missing=_missing, model=model
        )
        limit = (body.get("options") or {}).get("num_predict")
        message = Message.of(answer, {**body, "max_tokens": limit}, model, self.seed(f"{name}/{model}"))
        # What it thinks is told apart only where that was asked for; this model thinks no other way.
        if body.get("stream", True):
            lines = [_line({**_head(model), **line}) for line in _lines(message)]
            headers = (("content-type", "application/x-ndjson"), ("date", DATE))
            return streamed(answer, lines, headers, lambda failure, _: _line({"error": failure.message}))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        said = {
            "role": "assistant",
            "content": "".join(message.text),
            **({"thinking": "".join(message.reasoning)} if message.reasoning else {}),
            **({"tool_calls": _calls(message)} if message.calls else {}),
        }
        text = json.dumps({**_head(model), "message": said, **_end(message)}, separators=(",", ":"), ensure_ascii=False)
        return whole(answer, text.encode(), (("content-type", "application/json; charset=utf-8"), ("date", DATE)))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps({"error": failure.message}, ensure_ascii=False).encode()
        headers = (("content-type", "application/json; charset=utf-8"), ("date", DATE), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _missing(name: str) -> Failure:
    return refusal(400, f"{name} is missing")


def _head(model: str) -> dict[str, Any]:
    return {"model": model, "created_at": "2026-01-05T12:00:00.123456Z"}


def _lines(message: Message) -> Iterator[dict[str, Any]]:
    for piece in message.reasoning:
        yield _part(content="", thinking=piece)
    for piece in message.text:
        yield _part(content=piece)
    for call in _calls(message):
        yield _part(content="", tool_calls=[call])
    yield {"message": {"role": "assistant", "content": ""}, **_end(message)}


def _part(**said: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", **said}, "done": False}


def _calls(message: Message) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{message.call_id(index)[5:13].lower()}",
            "function": {"index": index, "name": call.name, "arguments": json.loads(call.arguments)},
        }
        for index, call in enumerate(message.calls)
    ]


def _end(message: Message) -> dict[str, Any]:
    counted = message.usage
    return {
        "done": True,
        # It says this of an answer that asks for tools, too.
        "done_reason": "length" if message.finish_reason == "length" else "stop",
        "total_duration": 900 * _NANOSECONDS,
        "load_duration": 100 * _NANOSECONDS,
        "prompt_eval_count": counted["prompt_tokens"],
        "prompt_eval_duration": 200 * _NANOSECONDS,
        "eval_count": counted["completion_tokens"],
        "eval_duration": 600 * _NANOSECONDS,
    }


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


if __name__ == "__main__":
    serve(OllamaServer)
