"""What only Azure has: deployments, versions, and two APIs under many URLs."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import MalformedResponseError, ProviderStatusError, UsageError
from harness.llm import LLM
from harness.providers.azure.request import parse_recorded, wire_body
from harness.providers.registry import recognized
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import AZURE
from tests.providers.integrations.openai_chat import DONE
from tests.providers.recorded.playing_again import again
from tests.providers.test_retries import be_busy
from tests.servers.azure.server import AzureServer
from tests.servers.openai.responses_scenarios import TIDE_TEXT
from tests.servers.raw import Raw

pytest.importorskip("azure.ai.inference", reason="the extra `azure` is not installed")


@pytest.fixture
def server() -> Iterator[AzureServer]:
    with AzureServer() as running:
        yield running


def test_the_request_goes_to_the_deployment_with_its_version(server: AzureServer) -> None:
    AZURE.llm(server).call(AZURE.prompts["text"])
    (request,) = server.requests
    assert request.path == "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-12-01-preview"


@pytest.mark.parametrize(
    ("path", "version"),
    [("/openai/deployments/gpt-4o", "2024-10-21"), ("/models", "2024-05-01-preview")],
    ids=["a deployment", "another endpoint"],
)
def test_where_no_version_is_named_it_is_one_that_knows_what_is_sent(path: str, version: str) -> None:
    with Raw(DONE) as raw, pytest.raises(MalformedResponseError):
        LLM("azure/gpt-4o", base_url=raw.origin + path, api_key="k", stream=True).call("Hi")
    assert [request.path for request in raw.requests] == [f"{path}/chat/completions?api-version={version}"]


@pytest.mark.parametrize(
    "host", ["r.openai.azure.com", "r.cognitiveservices.azure.com", "r.openai.azure.us", "r.openai.azure.cn"]
)
def test_a_model_of_a_bare_resource_is_a_deployment(host: str) -> None:
    llm: Any = LLM("azure/gpt-4o", endpoint=f"https://{host}/", api_key="k")
    assert llm.endpoint == f"https://{host}/openai/deployments/gpt-4o"


@pytest.mark.parametrize("way", WAYS)
def test_the_responses_api_of_a_resource_is_a_model_of_its_own(way: Way, server: AzureServer) -> None:
    llm = LLM("azure-responses/gpt-4o-mini", base_url=f"{server.origin}/openai/v1", api_key="k", thinking=True)
    ran = streamed(llm, way, "When is high water?")
    assert ran.result == TIDE_TEXT
    assert ran.frames[0].data["model"] == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("url", "body", "model"),
    [
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", {}, "azure/d"),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1", {"model": "d"}, "azure/d"),
        ("https://m.models.ai.azure.com/chat/completions?api-version=1", {"model": "phi"}, "azure/phi"),
        ("https://m.services.ai.azure.com/models/chat/completions?api-version=1", {"model": "phi"}, "azure/phi"),
        ("https://r.openai.azure.com/openai/v1/chat/completions", {"model": "d"}, "openai/d"),
        ("https://r.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=1",
         {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}}, "azure/gpt-5"),
    ],
)  # fmt: skip
def test_a_recorded_url_names_model_endpoint_and_version(url: str, body: dict[str, Any], model: str) -> None:
    sent = {"messages": [{"role": "user", "content": "Hi"}], **body}
    call = parse_recorded(url, json.dumps(sent).encode())
    llm, request = again(call)
    assert call.model == model
    api = recognized("POST", url)
    assert api is not None
    assert api.name == "azure"
    assert f"{llm.base_url}/chat/completions" == url.partition("?")[0]
    if model.startswith("azure/"):
        assert llm.api_version == "1"
        assert wire_body(llm, request, llm.base_url or "") == sent


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://r.openai.azure.com/openai/v1/responses/compact", "/compact"),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1&debug=1", "debug"),
    ],
)
def test_a_url_that_can_not_be_rebuilt_is_named(url: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse_recorded(url, b'{"messages": [{"role": "user", "content": "Hi"}]}')


@pytest.mark.parametrize("model", ["azure/d", "azure-responses/d"])
def test_an_endpoint_is_needed_and_its_variable_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_KEY", "k")
    with pytest.raises(UsageError, match="AZURE_ENDPOINT"):
        LLM(model).call("Hi")


def test_an_attempt_that_was_refused_leaves_no_connection_open(
    server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_busy(server, 2, monkeypatch)

    def refused_twice() -> None:
        assert isinstance(streamed(AZURE.llm(server, max_retries=1), "sync", "Hi").error, ProviderStatusError)

    refused_twice()
    # A connection that nobody closed is warned of, which is an error.
    gc.collect()
