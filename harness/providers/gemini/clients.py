"""Clients of the Gen AI SDK for one LLM."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

from harness.llm.connections import end_aiohttp_with_runs, end_with_run
from harness.llm.credentials import PLACEHOLDER, api_key, credentials_needed
from harness.providers.gemini.sdk import genai
from harness.providers.shared.tls import system_context

if TYPE_CHECKING:
    from harness.providers.gemini.model import Gemini

#: Attempts after the first where the caller names no number, as other SDKs have it.
_RETRIES: Final = 2


def new_client(llm: Gemini) -> genai.Client:
    """Return a client whose sync connections end with the run that uses them."""
    client = genai.Client(**_arguments(llm))
    # The SDK makes its HTTP client with what its settings for certificates ask; it is changed where it stands.
    end_with_run(client._api_client._httpx_client)
    return client


class AsyncClient:
    """A client for the loop that runs here, over aiohttp where that is installed, else over httpx."""

    def __init__(self, llm: Gemini) -> None:
        arguments = _arguments(llm)
        self._session: Any = None
        if importlib.util.find_spec("aiohttp") is not None:
            import aiohttp

            end_aiohttp_with_runs()
            # The SDK's own session is of a kind that aiohttp warns of.
            self._session = aiohttp.ClientSession(trust_env=True, connector=aiohttp.TCPConnector(limit=0))
            arguments["http_options"]["aiohttp_client"] = self._session
        self._client = genai.Client(**arguments)
        self.api: Any = self._client._api_client

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        await self._client.aio.aclose()
        self._client.close()


def _arguments(llm: Gemini) -> dict[str, Any]:
    retries = _RETRIES if llm.max_retries is None else llm.max_retries
    options: dict[str, Any] = {
        "base_url": llm.base_url,
        "api_version": llm.api_version,
        # Milliseconds here.
        "timeout": None if llm.timeout is None else round(llm.timeout * 1000),
        # Said always: unasked, the async client waits and tries again by itself.
        "retry_options": {"attempts": retries + 1},
    }
    if not credentials_needed():
        # Played from a tape, or sent to a local server. The SDK would read the system's certificates three times.
        context = system_context()
        options |= {"client_args": {"verify": context}, "async_client_args": {"verify": context, "ssl": context}}
    arguments: dict[str, Any] = {"vertexai": llm.on_vertex, "http_options": options}
    if llm.project is None:
        return {**arguments, "api_key": _key(llm)}
    arguments |= {"project": llm.project, "location": llm.location}
    if not credentials_needed():
        # Played from a tape: there is nobody to show credentials to. The SDK asks for a token all the same.
        from google.oauth2.credentials import Credentials

        arguments["credentials"] = Credentials(PLACEHOLDER)  # type: ignore[no-untyped-call]
    return arguments


def check_credentials(llm: Gemini) -> None:
    """Refuse an LLM without a key that needs one. Raises UsageError."""
    if llm.project is None:
        _key(llm)


def _key(llm: Gemini) -> str:
    return api_key(llm.api_key, llm.provider, llm.key_variables)
