"""Asking the providers on loopback by plain HTTP: how each wants to be asked, as rows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.anthropic.server import AnthropicServer
from tests.servers.azure.server import AzureServer
from tests.servers.bedrock.server import BedrockServer
from tests.servers.gemini.server import GeminiServer
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.scripted_server import ScriptedServer
from tests.servers.wire_server import WireServer


def connect(server: WireServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=10)


def post(
    server: WireServer, path: str, body: Any, headers: Mapping[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the response to a request of its own connection, and the body; what is not bytes is sent as JSON."""
    connection = connect(server)
    try:
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), dict(headers))
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@dataclass(frozen=True)
class Asking:
    """How a provider is asked so that every scenario answers."""

    name: str
    server: Callable[[], ScriptedServer[Any, Any]]
    headers: Mapping[str, str]
    #: The paths of a request that does not stream, and of one that does.
    paths: tuple[str, str]
    #: From a prompt, and whether the answer is to be streamed.
    body: Callable[[str, bool], Mapping[str, Any]]

    def send(
        self, connection: http.client.HTTPConnection, server: ScriptedServer[Any, Any], name: str, *, streams: bool
    ) -> None:
        body = self.body(server.scenarios[name].prompt, streams)
        connection.request("POST", self.paths[streams], json.dumps(body), dict(self.headers))

    def fetch(self, server: ScriptedServer[Any, Any], name: str, *, streams: bool) -> tuple[int, bytes]:
        body = self.body(server.scenarios[name].prompt, streams)
        response, text = post(server, self.paths[streams], body, self.headers)
        return response.status, text


def _chat(prompt: str, streams: bool) -> dict[str, Any]:
    return {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": prompt}],
        "tools": [],
        "response_format": {},
        "stream": streams,
        **({"stream_options": {"include_usage": True}} if streams else {}),
    }


_BEARER: Final = {"authorization": "Bearer test-key"}
_AZURE: Final = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-12-01-preview"

ASKING: Final = (
    Asking("openai", OpenAIChatServer, _BEARER, ("/v1/chat/completions",) * 2, _chat),
    Asking(
        "openai-responses",
        OpenAIResponsesServer,
        _BEARER,
        ("/v1/responses",) * 2,
        lambda prompt, streams: {
            "model": "gpt-4o-mini",
            "input": prompt,
            "reasoning": {},
            "previous_response_id": "resp_0",
            "tools": [],
            "text": {},
            "stream": streams,
        },
    ),
    Asking("azure", AzureServer, {"api-key": "test-key"}, (_AZURE,) * 2, _chat),
    Asking(
        "anthropic",
        AnthropicServer,
        {"x-api-key": "test-key", "anthropic-version": "2023-06-01"},
        ("/v1/messages",) * 2,
        lambda prompt, streams: {
            "model": "claude-sonnet-4-6",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": prompt}],
            "tools": [],
            "thinking": {},
            "output_config": {},
            "stream": streams,
        },
    ),
    Asking(
        "bedrock",
        BedrockServer,
        _BEARER,
        (
            "/model/us.anthropic.claude-sonnet-4-6/converse",
            "/model/us.anthropic.claude-sonnet-4-6/converse-stream",
        ),
        lambda prompt, streams: {
            "messages": [{"role": "user", "content": [{"text": prompt}]}],
            "toolConfig": {},
            "additionalModelRequestFields": {},
            "outputConfig": {},
        },
    ),
    Asking(
        "gemini",
        GeminiServer,
        {"x-goog-api-key": "test-key"},
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        lambda prompt, streams: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
    ),
)
