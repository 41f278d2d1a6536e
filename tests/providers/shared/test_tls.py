"""Clients share TLS contexts, and each still verifies whom it speaks to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import anthropic
import certifi
import httpx
import httpx2
import openai
import pytest

from harness import LLM
from harness.llm.credentials import no_credentials_needed
from harness.providers.shared.tls import http_client, system_context

#: What makes a client over httpx or httpx2, by whom.
KINDS = (httpx.Client, httpx.AsyncClient, httpx2.Client, openai.DefaultHttpxClient, anthropic.DefaultAsyncHttpxClient)
MODELS = ("openai/gpt-4o", "openai-responses/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash")


def context_of(client: Any) -> ssl.SSLContext:
    context = client._transport._pool._ssl_context
    assert isinstance(context, ssl.SSLContext)
    return context


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_shared_context_is_like_the_one_that_a_client_makes_alone(kind: Callable[[], Any]) -> None:
    shared, own = context_of(http_client(kind)), context_of(kind())  # type: ignore[arg-type]
    assert (shared.verify_mode, shared.check_hostname) == (own.verify_mode, own.check_hostname)
    assert (shared.verify_mode, shared.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert shared.get_ca_certs() == own.get_ca_certs()
    assert shared is context_of(http_client(kind))  # type: ignore[arg-type]


def test_what_the_environment_says_of_certificates_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = context_of(http_client(httpx2.Client)), system_context()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("SSL_CERT_FILE", certifi.where())
        there = context_of(http_client(httpx2.Client)), system_context()
    assert [len(context.get_ca_certs()) > 1 for context in (*before, *there)] == [False, False, True, True]
    assert (context_of(http_client(httpx2.Client)), system_context()) == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("key", [True, False], ids=["with-key", "for-a-tape"])
def test_every_client_verifies(model: str, *, key: bool) -> None:
    llm: Any = LLM(model, api_key="key" if key else None)
    with no_credentials_needed():
        client = llm._clients.sync()
    http = client._api._httpx_client if "gemini" in model else client._client
    context = context_of(http)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
