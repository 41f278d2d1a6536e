"""Clients of the Gen AI SDK."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Mapping
from typing import Any, Final, NamedTuple

from harness.llm.connections import end_aiohttp_with_runs, end_with_run
from harness.llm.credentials import PLACEHOLDER, credentials_needed
from harness.providers.gemini.sdk import genai
from harness.providers.shared.content import aread_as_sent, read_as_sent
from harness.providers.shared.tls import system_context

#: Attempts after the first where the caller names no number, as other SDKs have it.
_RETRIES: Final = 2
_METHOD: Final = "POST"


class Endpoint(NamedTuple):
    """Where and how the API is reached."""

    #: None where credentials are Google's own to find.
    key: str | None
    base_url: str | None
    #: Such as `v1beta`; the SDK's own where there is none.
    api_version: str | None
    timeout_s: float | None
    max_retries: int | None
    on_vertex: bool
    project: str | None
    location: str | None
    headers: dict[str, str]
    #: What the SDK's client is made with beside.
    client_params: Mapping[str, Any]


class GeminiClient:
    """A client for threads, whose connections end with the run that uses them."""

    def __init__(self, endpoint: Endpoint) -> None:
        client = genai.Client(**_arguments(endpoint))
        # The SDK makes its HTTP client with what its settings for certificates ask; it is changed where it stands.
        end_with_run(client._api_client._httpx_client)
        read_as_sent(client._api_client._httpx_client)
        self._client = client
        self._api: Any = client._api_client

    def send(self, path: str, body: dict[str, Any], *, stream: bool) -> Any:
        """Post a call; return what the SDK makes of its response."""
        return self._api._request(self._api._build_request(_METHOD, path, body), stream=stream)

    def close(self) -> None:
        self._client.close()


class AsyncGeminiClient:
    """A client for the loop that runs here, over aiohttp where that is installed, else over httpx."""

    def __init__(self, endpoint: Endpoint) -> None:
        arguments = _arguments(endpoint)
        self._session: Any = None
        if importlib.util.find_spec("aiohttp") is not None:
            import aiohttp

            from harness.providers.gemini.aiohttp_response import ResponseAsSent

            end_aiohttp_with_runs()
            # The SDK's own session is of a kind that aiohttp warns of.
            self._session = aiohttp.ClientSession(
                trust_env=True,
                connector=aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
                response_class=ResponseAsSent,
            )
            arguments["http_options"]["aiohttp_client"] = self._session
        self._client = genai.Client(**arguments)
        self._api: Any = self._client._api_client
        if self._session is None:
            aread_as_sent(self._api._async_httpx_client)

    def send(self, path: str, body: dict[str, Any], *, stream: bool) -> Awaitable[Any]:
        """Post a call; see `GeminiClient.send`."""
        return self._api._async_request(  # type: ignore[no-any-return]
            self._api._build_request(_METHOD, path, body), stream=stream
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self._client.aio.aclose()
        self._client.close()


def _arguments(endpoint: Endpoint) -> dict[str, Any]:
    retries = _RETRIES if endpoint.max_retries is None else endpoint.max_retries
    options: dict[str, Any] = {
        "base_url": endpoint.base_url,
        "api_version": endpoint.api_version,
        "headers": endpoint.headers or None,
        # Milliseconds here.
        "timeout": None if endpoint.timeout_s is None else round(endpoint.timeout_s * 1000),
        # Said always: unasked, the async client waits and tries again by itself.
        "retry_options": {"attempts": retries + 1},
    }
    if not credentials_needed():
        # Played from a tape, or sent to a local server. The SDK would read the system's certificates three times.
        context = system_context()
        options |= {"client_args": {"verify": context}, "async_client_args": {"verify": context, "ssl": context}}
    arguments: dict[str, Any] = {"vertexai": endpoint.on_vertex, "http_options": options, **endpoint.client_params}
    if endpoint.project is None:
        return {**arguments, "api_key": endpoint.key}
    arguments |= {"project": endpoint.project, "location": endpoint.location}
    if not credentials_needed():
        # Played from a tape: there is nobody to show credentials to. The SDK asks for a token all the same.
        from google.oauth2.credentials import Credentials

        arguments["credentials"] = Credentials(PLACEHOLDER)  # type: ignore[no-untyped-call]
    return arguments
