"""Anthropic's models on Vertex AI: the Messages API behind Google's paths, through Anthropic's official SDK.

Source: https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai (2026-11).
"""

from __future__ import annotations

import re
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.anthropic import request as messages_request
from harness.providers.anthropic.model import Anthropic

_VERSION: Final = "anthropic_version"
_PLACE: Final = "/publishers/anthropic/models/"
_URL: Final = re.compile(rf"(?P<base>.*){_PLACE}(?P<model>[^/:]+):(?P<stream>streamRawPredict|rawPredict)")


class AnthropicOnVertex(Anthropic):
    """A model of Anthropic in a project of Google Cloud's, by `base_url`: `https://…/v1/projects/<p>/locations/<l>`.

    `api_key` is an access token, such as `gcloud auth print-access-token` prints.
    """

    key_variables = ("GOOGLE_OAUTH_ACCESS_TOKEN",)

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        if self.base_url is None:
            raise UsageError(
                "models on Vertex AI need base_url='https://<region>-aiplatform.googleapis.com/v1/projects/<project>"
                "/locations/<region>'"
            )

    def _client_settings(self) -> dict[str, Any]:
        settings = super()._client_settings()
        return {**settings, "api_key": None, "auth_token": settings["api_key"]}

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        call = super()._arguments(request)
        additional = self.additional_params
        body = {name: value for name, value in call["body"].items() if name != "model" or name in additional}
        if _VERSION not in additional:
            body[_VERSION] = "vertex-2023-10-16"
        method = "streamRawPredict" if request.stream else "rawPredict"
        return {**call, "path": f"{_PLACE}{self.model}:{method}", "body": body}


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    found = _URL.fullmatch(url)
    if found is None:
        raise UsageError(f"{url.partition('?')[0]}: the query of this URL can't be rebuilt")
    recorded = messages_request.recorded_body(body)
    for name in ("stream", _VERSION):
        recorded.rest.setdefault(name, OMIT)
    model, stream = f"vertex_anthropic/{found['model']}", found["stream"] == "streamRawPredict"
    return messages_request.recorded_call(recorded, model, found["base"], stream=stream)
