"""A look at each request before it leaves, and at each response when it has come, for clients over httpx.

An interceptor has `on_outbound(request)` and `on_inbound(response)`, which return what is to be sent and seen instead; in
loops it may have `aon_outbound` and `aon_inbound`, which are awaited. Each may be left out.
"""

from __future__ import annotations

import inspect
from typing import Any


def intercept(client: Any, interceptor: Any) -> None:
    """Have `interceptor` see what a client for threads or for loops sends and gets; nothing where there is none."""
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
