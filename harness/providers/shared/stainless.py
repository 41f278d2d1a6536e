"""Models that are asked through SDKs which Stainless makes, as OpenAI's and Anthropic's are: the two are one in this.

The SDK finds its settings, sends the request and tries again; its parser of answers is passed by. It knows fewer fields
than the APIs, swallows what marks the end of a stream, and leaves async generators open.
"""

from __future__ import annotations

import contextlib
import inspect
import time
from abc import abstractmethod
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from harness.errors import HarnessError, ProviderError
from harness.llm.connections import end_with_run
from harness.llm.credentials import api_key
from harness.llm.request import LLMRequest
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import HTTPXBody
from harness.providers.shared.content import read_as_sent
from harness.providers.shared.failure import LONGEST_WAIT_S, failure_in, is_transport_error
from harness.providers.shared.model import SDKModel
from harness.providers.shared.requests.wire_body import EXTRA_QUERY, present, with_query
from harness.providers.shared.tls import http_client, library_of


class StainlessModel(SDKModel):
    """A model that such an SDK reaches, at its provider or at `base_url`."""

    response_body = HTTPXBody
    sdk: ClassVar[Any]
    #: Where calls are posted, below the client's base URL.
    path: ClassVar[str]
    #: Settings of the SDK's client that are given by name, beside those that all LLMs have; as in `client_params`.
    of_client: ClassVar[tuple[str, ...]] = ("default_query",)

    def __init__(self, *args: Any, **settings: Any) -> None:
        of_client = present(**{name: settings.pop(name, None) for name in self.of_client})
        super().__init__(*args, **settings)
        if of_client:
            self.client_params = {**of_client, **(self.client_params or {})}

    @abstractmethod
    def _body(self, request: LLMRequest) -> dict[str, Any]:
        """Return the JSON body of a request. Raises UsageError for what can't be sent."""

    def check(self, request: LLMRequest) -> None:
        self._key()
        super().check(request)

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        path = with_query(self.path, self.additional_params.get(EXTRA_QUERY))
        return {"path": path, "body": self._body(request)}

    def _key(self) -> str:
        return api_key(self.api_key, self.provider, self.key_variables)

    def _address(self) -> str | None:
        """Return where the API is; None where the SDK knows. Raises UsageError where only the caller does."""
        return self.base_url

    def _client_settings(self) -> dict[str, Any]:
        headers = None if self.default_headers is None else dict(self.default_headers)
        given = present(default_headers=headers, timeout=self.timeout, max_retries=self.max_retries)
        return {"api_key": self._key(), "base_url": self._address(), **given}

    def _new_client(self) -> Any:
        options = dict(self.client_params or {})
        client = options.pop("http_client", None) or http_client(self.sdk.DefaultHttpxClient)
        end_with_run(client)
        return self.sdk.Client(**{**self._client_settings(), **options}, http_client=self._prepared(client))

    def _new_async_client(self) -> Any:
        # A client for threads is of no use in a loop.
        options = {name: value for name, value in (self.client_params or {}).items() if name != "http_client"}
        client = self._prepared(http_client(self.sdk.DefaultAsyncHttpxClient))
        return self.sdk.AsyncClient(**{**self._client_settings(), **options}, http_client=client)

    def _prepared(self, client: Any) -> Any:
        read_as_sent(client)
        _tell_long_waits(client)
        intercept(client, self.interceptor)
        return client

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        if not stream:
            return client.post(**arguments, cast_to=library_of(self.sdk.DefaultHttpxClient).Response)
        streams = self.sdk.AsyncStream if isinstance(client, self.sdk.AsyncClient) else self.sdk.Stream
        return client.post(**arguments, cast_to=object, stream=True, stream_cls=streams[object])

    def _translated(self, error: Exception, answer: ProviderAnswer) -> HarnessError | None:
        return translated(self.sdk, error, answer)


def intercept(client: Any, interceptor: Any) -> None:
    """Have `interceptor` see each request of a client of httpx before it leaves, and each response when it has come.

    It has `on_outbound(request)` and `on_inbound(response)`, which return what is to be sent and seen instead; in loops it
    may have `aon_outbound` and `aon_inbound`, which are awaited. Each may be left out, and so may it.
    """
    if interceptor is None:
        return
    real = client.send

    def send(request: Any, **options: Any) -> Any:
        return _seen(interceptor, "on_inbound", real(_seen(interceptor, "on_outbound", request), **options))

    async def asend(request: Any, **options: Any) -> Any:
        changed = await _aseen(interceptor, "on_outbound", request)
        return await _aseen(interceptor, "on_inbound", await real(changed, **options))

    client.send = asend if hasattr(client, "aclose") else send


def _seen(interceptor: Any, method: str, value: Any) -> Any:
    look = getattr(interceptor, method, None)
    return value if look is None else look(value)


async def _aseen(interceptor: Any, method: str, value: Any) -> Any:
    name = f"a{method}"
    found = _seen(interceptor, name if getattr(interceptor, name, None) else method, value)
    return await found if inspect.isawaitable(found) else found


def _tell_long_waits(client: Any) -> None:
    """Have the SDK that uses this client make no other attempt where it is to come again after long."""

    def tell(response: Any) -> None:
        if _server_wait_s(response.headers.get("retry-after", "")) > LONGEST_WAIT_S:
            # The SDK's own word for it.
            response.headers["x-should-retry"] = "false"

    async def atell(response: Any) -> None:
        tell(response)

    client.event_hooks["response"].append(atell if hasattr(client, "aclose") else tell)


def _server_wait_s(retry_after: str) -> float:
    """Return how long to wait by a header that tells seconds, or a time; 0 where it tells neither."""
    with contextlib.suppress(ValueError):
        return float(retry_after)
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    return 0.0


def translated(sdk: Any, error: Exception, answer: ProviderAnswer) -> ProviderError | None:
    """Return the error to raise for what an SDK raised; None for what does not come from it."""
    if isinstance(error, sdk.APIStatusError):
        response: Any = error.response
        failure = failure_in(response.content, answer.code_field)
        return answer.refused(error.status_code, failure, answer.request_id_in(response.headers))
    if isinstance(error, sdk.APIConnectionError) or is_transport_error(error):
        return answer.connection_error(error)
    return answer.malformed(error) if isinstance(error, sdk.APIError) else None
