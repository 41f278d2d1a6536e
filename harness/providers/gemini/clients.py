"""Clients of the Gen AI SDK."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable
from typing import Any, Final

from google import genai

from harness.llm.connections import end_aiohttp_with_runs, end_with_run
from harness.providers.shared.content import read_as_sent

_METHOD: Final = "POST"


class GeminiClient:
    """A client for threads, whose connections end with the run that uses them."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._client = genai.Client(**arguments)
        self._api: Any = self._client._api_client
        # The SDK makes its HTTP client with what its settings for certificates ask; it is changed where it stands.
        end_with_run(self._api._httpx_client)
        read_as_sent(self._api._httpx_client)

    def send(self, path: str, body: dict[str, Any], *, stream: bool) -> Any:
        """Post a call; return what the SDK makes of its response."""
        return self._api._request(self._api._build_request(_METHOD, path, body), stream=stream)

    def close(self) -> None:
        self._client.close()


class AsyncGeminiClient:
    """A client for the loop that runs here, over aiohttp where that is installed, else over httpx."""

    def __init__(self, arguments: dict[str, Any]) -> None:
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
            read_as_sent(self._api._async_httpx_client)

    def send(self, path: str, body: dict[str, Any], *, stream: bool) -> Awaitable[Any]:
        return self._api._async_request(  # type: ignore[no-any-return]
            self._api._build_request(_METHOD, path, body), stream=stream
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self._client.aio.aclose()
        self._client.close()
