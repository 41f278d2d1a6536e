"""What a provider refuses, and what is no answer, is one failed call with a typed error, whoever the provider is."""

from __future__ import annotations

import importlib
import json
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from harness.errors import (
    MalformedResponseError,
    MissingExtraError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
    UsageError,
)
from harness.llm import LLM
from tests.llm.scripted import WAYS, Ran, Way, called, in_session, streamed
from tests.providers.integrations import each, each_integration, each_way_to_answer
from tests.providers.integrations.integration import Integration, Refusal, ask
from tests.servers.raw import Raw
from tests.servers.scripted_server import ScriptedServer


@pytest.mark.parametrize("way", WAYS)
@each_way_to_answer
@each("refusal", lambda integration: integration.refusals, "scenario")
def test_http_errors_keep_provider_status_code_and_request_id(
    integration: Integration, refusal: Refusal, streams: bool, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    ran = ask(integration.llm(server), way, streams, integration.prompts[refusal.scenario])
    check_refused(ran, refusal, integration)
    assert server.scenarios[refusal.scenario].replies[0].message in str(ran.error)
    assert len(server.requests) == 1


#: Status → whether the same request may succeed later: of gateways, Groq and Cloudflare, too.
STATUSES = {301: False, 302: False, 418: False, 498: True, 502: True, **dict.fromkeys(range(520, 525), True)}


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_status_says_whether_to_try_again(integration: Integration, way: Way) -> None:
    with Raw() as server:
        llm = integration.llm(server, max_retries=0)
        for status, retryable in STATUSES.items():
            server.sends(b"<html>Not now</html>", "text/html", status)
            error = streamed(llm, way, "Hi").error
            assert isinstance(error, ProviderStatusError)
            assert (error.status, error.retryable, "Not now" in str(error)) == (status, retryable, True)


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_an_error_that_a_stream_would_report_is_an_http_error_of_a_whole_answer(
    integration: Integration, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    ran = ask(integration.llm(server), way, False, integration.prompts[integration.fault.scenario])
    check_refused(ran, integration.fault, integration)


def check_refused(ran: Ran, refusal: Refusal, integration: Integration) -> None:
    error = ran.error
    assert isinstance(error, ProviderStatusError)
    assert (error.provider, error.status, error.code) == (integration.provider, refusal.status, refusal.code)
    assert error.retryable is refusal.retryable
    if integration.request_id is None:
        assert error.request_id is None
    else:
        assert re.fullmatch(integration.request_id, error.request_id or "")
    assert ran.transcript == ["started", "failed ProviderStatusError"]
    assert ran.frames[-1].data["error"] == str(error)


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_port_where_nobody_listens_is_a_connection_error(integration: Integration, way: Way) -> None:
    with integration.server() as server:
        llm = integration.llm(server)
    with pytest.raises(ProviderConnectionError, match=f"no answer from {integration.provider}") as raised:
        called(llm, way, "Hi")
    assert (raised.value.status, raised.value.retryable) == (None, True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("scenario", "kind", "timeout"),
    # What comes first of a body has come in time on a busy machine, too.
    [("blocked_head", ProviderConnectionError, 0.1), ("blocked_body", StreamTruncatedError, 0.4)],
)
@each_integration
def test_an_answer_that_takes_longer_than_it_may_is_a_connection_error_that_says_so(
    integration: Integration,
    scenario: str,
    kind: type[ProviderError],
    timeout: float,
    way: Way,
    server: ScriptedServer[Any, Any],
) -> None:
    ran = streamed(integration.llm(server, timeout=timeout), way, integration.prompts[scenario])
    assert isinstance(ran.error, kind)
    assert re.search(r"time(d )?out", str(ran.error), re.IGNORECASE)
    assert ran.error.retryable


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_whole_answer_that_is_none_is_malformed(integration: Integration, way: Way) -> None:
    for body in integration.no_answers:
        with Raw(body, "application/json") as server:
            ran = in_session(integration.llm(server, stream=False), way, "Hi")
        assert isinstance(ran.error, MalformedResponseError), body
        assert ran.transcript == ["started", "failed MalformedResponseError"], body


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_credentials_are_needed_and_where_they_are_looked_for_is_named(
    integration: Integration, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in integration.variables:
        monkeypatch.delenv(name, raising=False)
    for model in integration.keyless:
        with pytest.raises(UsageError, match=integration.key_told):
            called(LLM(model, base_url="http://127.0.0.1:9"), way, "Hi")


@each_integration
def test_a_missing_sdk_is_named_with_its_extra(integration: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = integration.sdk
    importlib.import_module(sdk.package)
    monkeypatch.setitem(sys.modules, sdk.package, None)
    if "." in sdk.package:
        # `from parent import child` takes what the parent has.
        monkeypatch.delattr(sdk.package)
    for module in sdk.modules:
        monkeypatch.delitem(sys.modules, f"harness.providers.{module}", raising=False)
    with pytest.raises(MissingExtraError, match=rf"need its SDK: pip install 'stream-harness\[{sdk.extra}\]'"):
        LLM(integration.model)


def escapes_halves() -> bool:
    try:
        return version("openai") < "3" and version("httpx") < "0.28"
    except PackageNotFoundError:
        return False


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param(
            "Hi \ud83d",
            "k",
            id="half of a character",
            marks=pytest.mark.skipif(escapes_halves(), reason="httpx sent it escaped before 0.28"),
        ),
        pytest.param("Hi", "“k”", id="the key"),
    ],
)
def test_what_can_not_be_encoded_is_the_callers_fault(text: str, key: str, way: Way) -> None:
    with Raw() as server:
        llm = LLM("openai/m", base_url=server.origin, api_key=key, max_retries=0)
        with pytest.raises(UsageError, match="the request has text that can't be sent"):
            called(llm, way, text)
        assert server.requests == []


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_what_is_no_json_is_the_callers_fault(integration: Integration, way: Way) -> None:
    with Raw() as server:
        # boto3 sees for itself what fits; Anthropic's SDK writes dates and models.
        llm = integration.llm(server, additional_params={"mine": object()})
        with pytest.raises(UsageError, match="object object|type object|<class 'object'>"):
            called(llm, way, "Hi")
        assert server.requests == []


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_server_that_stumbles_over_a_value_of_its_own_is_at_fault(integration: Integration, way: Way) -> None:
    words = "Object of type Tensor is not JSON serializable"
    with Raw(json.dumps({"message": words, "error": {"message": words}}).encode(), "application/json", 500) as server:
        llm = integration.llm(server, max_retries=0)
        with pytest.raises(ProviderStatusError, match=words) as raised:
            called(llm, way, "Hi")
    assert raised.value.status == 500
