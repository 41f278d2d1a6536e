"""The request body of chat completions on Azure, and recorded requests to Azure of every kind.

An Azure OpenAI deployment is named by the URL, and a model on another endpoint by the body, which is OpenAI's
otherwise. Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference (2026-11).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.azure.endpoint import DEPLOYMENT
from harness.providers.openai import request as openai_request
from harness.providers.openai.responses import request as openai_responses_request


def wire_body(llm: BaseLLM, request: LLMRequest, endpoint: str) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`, as `endpoint` takes it."""
    body = openai_request.wire_body(llm, request)
    if DEPLOYMENT.search(endpoint) and "model" not in llm.additional_params:
        del body["model"]
    return body


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    parts = urlsplit(url)
    base_url, _, wire_api = f"{parts.scheme}://{parts.netloc}{parts.path}".partition("/responses")
    query = dict(parse_qsl(parts.query))
    version = {"api_version": query.pop("api-version")} if "api-version" in query else {}
    if query or wire_api:
        raise UsageError(f"{url.partition('?')[0]}: {next(iter(query), wire_api)} of this URL can't be rebuilt")
    if parts.path.endswith("/responses"):
        recorded = openai_responses_request.recorded_responses(body)
        return openai_responses_request.recorded_call(recorded, "azure-responses", base_url=base_url, **version)
    base_url = base_url.removesuffix("/chat/completions")
    recorded = openai_request.recorded_chat(body)
    if deployment := DEPLOYMENT.search(base_url):
        name = unquote(deployment[1])
        recorded.rest.setdefault("model", OMIT)
    else:
        name = recorded.model()
    # Without a version it is OpenAI's own API, at Azure's address.
    provider = "azure" if version else "openai"
    return openai_request.recorded_call(recorded, provider, name, base_url=base_url, **version)
