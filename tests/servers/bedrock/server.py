"""A provider on loopback that speaks Bedrock's Converse and ConverseStream.

`BedrockServer` answers `POST /model/MODEL/converse` and `…/converse-stream` from a script of scenarios. The same
requests in the same order get the same bytes. `python -m tests.servers.bedrock.server --port 8080` serves the standard script
until it is interrupted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from tests.servers.anthropic.scenarios import Answer, Failure
from tests.servers.anthropic.wire import text_of
from tests.servers.bedrock.scenarios import SCENARIOS
from tests.servers.bedrock.wire import Message, failed, request_id
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

MODELS: Final = frozenset(
    {"us.amazon.nova-micro-v1:0", "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-20250514-v1:0"}
)
_PATH: Final = re.compile(r"/model/([^/]+)/(converse|converse-stream)")


class BedrockServer(ScriptedServer[Answer, Failure]):
    """Answers Converse."""

    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        found = _PATH.fullmatch(asked.path)
        if found is None or asked.method != "POST":
            raise RefusedError("unknown-url", Failure(404, "UnknownOperationException", "Not found"))
        if not re.match(r"AWS4-HMAC-SHA256 |Bearer ", asked.headers.get("authorization", "")):
            text = "Missing Authentication Token"
            raise RefusedError("unsigned", Failure(403, "MissingAuthenticationTokenException", text))
        if not asked.is_readable:
            raise RefusedError("unread", _invalid("The request body is not valid JSON."))
        model, streams = unquote(found[1]), found[2] == "converse-stream"
        if model not in MODELS:
            raise RefusedError("no-model", _invalid("The provided model identifier is invalid."))
        messages = asked.body.get("messages", ())
        turns = [Turn(message.get("role"), text_of(message.get("content"))) for message in messages]
        unscripted = _invalid("No scenario has this prompt.")
        name, answer = self.next_answer(asked.body, turns, unscripted=unscripted, missing=_missing)
        message = Message.of(answer, asked.body, self.seed(f"{name}/{model}"))
        if streams:
            headers = _headers(message.seed, "application/vnd.amazon.eventstream")
            return streamed(answer, message.events(), headers, lambda failure, _: failed(failure))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        return whole(answer, _json(message.whole()), _headers(message.seed, "application/json"))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = _json({"message": failure.message})
        headers = (*_headers(self.seed(name), "application/json"), ("x-amzn-errortype", failure.type))
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _invalid(message: str) -> Failure:
    return Failure(400, "ValidationException", message)


def _missing(name: str) -> Failure:
    return _invalid(f"Value at '{name}' failed to satisfy constraint.")


def _headers(seed: str, content_type: str) -> Headers:
    return (("date", DATE), ("content-type", content_type), ("x-amzn-requestid", request_id(seed)))


if __name__ == "__main__":
    serve(BedrockServer)
