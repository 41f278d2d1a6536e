"""A provider on loopback that speaks Bedrock's InvokeModel and InvokeModelWithResponseStream, for Anthropic's models.

`BedrockInvokeServer` answers `POST /model/MODEL/invoke` and `…/invoke-with-response-stream` from the script of the Converse
server, in the form of Anthropic's messages; each event of a stream stands in base64 in a chunk. Source:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html (2026-11).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from tests.servers.anthropic.scenarios import Answer, Failure
from tests.servers.anthropic.wire import Message, text_of
from tests.servers.bedrock.scenarios import SCENARIOS
from tests.servers.bedrock.server import MODELS
from tests.servers.bedrock.wire import failed, framed, request_id
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, Headers, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

_PATH: Final = re.compile(r"/model/([^/]+)/(invoke|invoke-with-response-stream)")
_CHUNK: Final = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


class BedrockInvokeServer(ScriptedServer[Answer, Failure]):
    """Answers InvokeModel."""

    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        found = _PATH.fullmatch(asked.path)
        if found is None or asked.method != "POST":
            raise RefusedError("unknown-url", Failure(404, "UnknownOperationException", "Not found"))
        if not asked.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            text = "Missing Authentication Token"
            raise RefusedError("unsigned", Failure(403, "MissingAuthenticationTokenException", text))
        if not asked.is_readable or {"model", "stream"} & asked.body.keys():
            raise RefusedError("unread", _invalid("Malformed input request"))
        if "anthropic_version" not in asked.body:
            raise RefusedError("no-version", _invalid("anthropic_version: Field required"))
        model = unquote(found[1])
        if model not in MODELS:
            raise RefusedError("no-model", _invalid("The provided model identifier is invalid."))
        turns = [Turn(message.get("role"), text_of(message.get("content"))) for message in asked.body["messages"]]
        name, answer = self.next_answer(asked.body, turns, unscripted=_invalid("No scenario has this prompt."))
        message = Message.of(answer, asked.body, model.partition("anthropic.")[2], self.seed(f"{name}/{model}"))
        if found[2] != "invoke":
            headers = _headers(message.seed, "application/vnd.amazon.eventstream")
            return streamed(answer, _chunks(message), headers, lambda failure, _: failed(failure))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        counts = [
            (f"x-amzn-bedrock-{side}-token-count", str(count))
            for side, count in (("input", message.input_tokens), ("output", message.output_tokens))
        ]
        return whole(answer, _json(message.whole()), (*_headers(message.seed, "application/json"), *counts))

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = _json({"message": failure.message})
        headers = (*_headers(self.seed(name), "application/json"), ("x-amzn-errortype", failure.type))
        return WireResponse(failure.status, headers, (text,), content_length=len(text))


def _chunks(message: Message) -> Iterator[bytes]:
    for event in message.events():
        said = event
        if event["type"] == "message_stop":
            counts = {"inputTokenCount": message.input_tokens, "outputTokenCount": message.output_tokens}
            metrics = {**counts, "invocationLatency": 420, "firstByteLatency": 210}
            said = {**event, "amazon-bedrock-invocationMetrics": metrics}
        yield framed(_CHUNK, {"bytes": base64.b64encode(_json(said)).decode(), "p": "abcdefgh"})


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _invalid(message: str) -> Failure:
    return Failure(400, "ValidationException", message)


def _headers(seed: str, content_type: str) -> Headers:
    return (("date", DATE), ("content-type", content_type), ("x-amzn-requestid", request_id(seed)))


if __name__ == "__main__":
    serve(BedrockInvokeServer)
