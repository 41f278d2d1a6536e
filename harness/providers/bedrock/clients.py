"""The clients that speak to Bedrock: boto3's, and aiobotocore's where that is installed."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cache
from typing import Any, Final

import boto3
import botocore.config
import botocore.hooks
import botocore.loaders
import botocore.session

from harness.llm.base import BaseLLM
from harness.llm.connections import end_urllib3_with_runs
from harness.llm.credentials import PLACEHOLDER, credentials_needed
from harness.providers.bedrock.extra_body import extra_fields, put_extra_fields
from harness.providers.bedrock.foreign import take_foreign

_SERVICE: Final = "bedrock-runtime"
#: The operation whose bodies are not parsed, and read by whoever asked.
_INVOKE: Final = "invoke_model"
_REGION: Final = re.compile(r"https?://[^/]*\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
#: For an endpoint whose name tells no region, such as one on loopback; a region is signed in any case.
_ANY_REGION: Final = "us-east-1"
#: Seconds. boto3 gives up after 60, in which a long answer that is not streamed may not come.
_TIMEOUT_S: Final = 600


class BedrockClient:
    """A client for threads, whose connections end with the run that uses them."""

    def __init__(self, llm: BaseLLM, region: str | None, arguments: Mapping[str, Any]) -> None:
        end_urllib3_with_runs()
        session = _session()
        config = botocore.config.Config(**_config(llm))
        self._client = session.client(
            _SERVICE, config=config, **_arguments(llm, region or session.region_name, arguments)
        )
        _watch(self._client, llm)

    def send(self, operation: str, arguments: dict[str, Any]) -> Any:
        with extra_fields(arguments) as known:
            return getattr(self._client, operation)(**known)

    def close(self) -> None:
        self._client.close()


def _session() -> Any:
    """Return a session that finds credentials and region anew, and shares what is the same for all.

    That is what is read of the services' descriptions, and the registering of botocore's own handlers: together they
    take longer than all else in making a client.
    """
    core = botocore.session.Session(event_hooks=copy.copy(_handlers()), include_builtin_handlers=False)
    core.register_component("data_loader", _descriptions())
    return boto3.Session(botocore_session=core)


@cache
def _handlers() -> Any:
    hooks = botocore.hooks.HierarchicalEmitter()
    botocore.session.Session(event_hooks=hooks)
    return hooks


@cache
def _descriptions() -> Any:
    return botocore.loaders.create_loader()


def has_async_client() -> bool:
    return importlib.util.find_spec("aiobotocore") is not None


class AsyncBedrockClient:
    """A client for one loop, made when it is first asked for, since making one waits."""

    def __init__(self, llm: BaseLLM, region: str | None, arguments: Mapping[str, Any]) -> None:
        self._llm = llm
        self._region = region
        self._arguments = arguments
        self._lock = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._client: Any = None

    async def send(self, operation: str, arguments: dict[str, Any]) -> Any:
        async with self._lock:
            if self._client is None:
                self._client = await self._opened.enter_async_context(self._made())
                _watch(self._client, self._llm)
        with extra_fields(arguments) as known:
            sent = await getattr(self._client, operation)(**known)
        if operation == _INVOKE:
            # Who is cancelled here lets go of the connection. What it opens as is another body in older versions, whose
            # errors are none of botocore's.
            body = sent["body"]
            async with body:
                sent["body"] = await body.read()
        return sent

    async def close(self) -> None:
        await self._opened.aclose()

    def _made(self) -> Any:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session

        config = AioConfig(**_config(self._llm))
        region = self._region or _session().region_name
        return get_session().create_client(_SERVICE, config=config, **_arguments(self._llm, region, self._arguments))


def _watch(client: Any, llm: BaseLLM) -> None:
    headers = dict(llm.default_headers or {})

    def add(request: Any, **_: Any) -> None:
        for name, value in headers.items():
            request.headers[name] = value

    for event, handle in (("sign", add), ("parse", take_foreign), ("call", put_extra_fields)):
        client.meta.events.register(f"before-{event}.{_SERVICE}", handle)


def _config(llm: BaseLLM) -> dict[str, Any]:
    timeout = _TIMEOUT_S if llm.timeout is None else llm.timeout
    settings: dict[str, Any] = {"read_timeout": timeout, "connect_timeout": min(timeout, 60)}
    if llm.max_retries is not None:
        settings["retries"] = {"mode": "standard", "total_max_attempts": llm.max_retries + 1}
    return settings


def _arguments(llm: BaseLLM, region: str | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    found = _REGION.match(llm.base_url or "")
    # What the address says is what its host wants signed.
    signed = (found[1] if found else None) or region or (_ANY_REGION if llm.base_url else None)
    placeholders = (
        {} if credentials_needed() else dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), PLACEHOLDER)
    )
    return {"region_name": signed, "endpoint_url": llm.base_url, **placeholders, **arguments}
