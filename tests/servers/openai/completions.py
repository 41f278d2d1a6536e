"""A provider on loopback that speaks OpenAI's legacy completions.

`OpenAICompletionsServer` answers `POST /v1/completions` from the texts of the chat server's script. Source:
https://platform.openai.com/docs/api-reference/completions (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from tests.servers.openai.chat import OpenAIChatServer, check_url_and_key, missing
from tests.servers.openai.chat_wire import sse
from tests.servers.scripted_server import Asked, RefusedError, rewritten, serve
from tests.servers.wire_server import Hold, WireResponse


class OpenAICompletionsServer(OpenAIChatServer):
    """Answers completions."""

    models = {"gpt-3.5-turbo-instruct": "gpt-3.5-turbo-instruct:20230824-v2"}
    paths: ClassVar[frozenset[str]] = frozenset({"/v1/completions"})

    def reply(self, asked: Asked) -> WireResponse:
        check_url_and_key(asked, self.paths)
        if not isinstance(asked.body.get("prompt"), str):
            raise RefusedError("missing", missing("prompt"))
        body = {name: value for name, value in asked.body.items() if name != "prompt"}
        response = self.complete({**body, "messages": [{"role": "user", "content": asked.body["prompt"]}]})
        if response.content_length is None:
            return replace(response, body=tuple(self._events(response.body)))
        return rewritten(response, lambda answer: json.dumps(_own(answer), indent=2, ensure_ascii=False).encode())

    def _events(self, parts: tuple[bytes | Hold, ...]) -> Iterator[bytes | Hold]:
        for part in parts:
            if part is Hold.HERE or not part.startswith(b'data: {"id"'):
                yield part
            else:
                yield sse(_own(json.loads(part.removeprefix(b"data: "))))


def _own(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a chunk or a whole answer of chat completions in this API's form."""
    choices = [
        {
            "text": (choice.get("delta") or choice.get("message") or {}).get("content") or "",
            "index": choice["index"],
            "logprobs": None,
            "finish_reason": choice["finish_reason"],
        }
        for choice in answer["choices"]
    ]
    told: dict[str, Any] = {name: answer[name] for name in ("created", "model", "usage") if name in answer}
    answer_id = answer["id"].replace("chatcmpl", "cmpl")
    return {"id": answer_id, "object": "text_completion", **told, "choices": choices}


if __name__ == "__main__":
    serve(OpenAICompletionsServer)
