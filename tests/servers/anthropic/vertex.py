"""A provider on loopback that serves Anthropic's models as Vertex AI does: the Messages API behind Google's paths.

`VertexAnthropicServer` answers `POST …/publishers/anthropic/models/MODEL:rawPredict` and `:streamRawPredict` as the Anthropic
server answers messages; the URL names the model, and the body a version. Source:
https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai (2026-11).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from tests.servers.anthropic.scenarios import Failure
from tests.servers.anthropic.server import AnthropicServer
from tests.servers.scripted_server import Asked, RefusedError, serve
from tests.servers.wire_server import WireResponse

_PATH: Final = re.compile(r".*/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)")


class VertexAnthropicServer(AnthropicServer):
    """Answers messages."""

    api = "/v1/projects/harbour/locations/europe-west1"

    def reply(self, asked: Asked) -> WireResponse:
        found = _PATH.fullmatch(asked.path)
        if found is None:
            raise RefusedError("unknown-url", Failure(404, "not_found_error", "Not found"))
        if "model" in asked.body or "anthropic_version" not in asked.body:
            text = "anthropic_version: Field required; model: Extra inputs are not permitted"
            raise RefusedError("invalid", Failure(400, "invalid_request_error", text))
        body = {**asked.body, "model": found[1], "stream": found[2] == "streamRawPredict"}
        return super().reply(replace(asked, path="/v1/messages", body=body))


if __name__ == "__main__":
    serve(VertexAnthropicServer)
