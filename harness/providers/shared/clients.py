"""The SDK clients of one LLM: a sync one, and an async one for each loop."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import AsyncGenerator, Callable
from typing import Any


class SDKClients:
    """Makes clients when they are first needed. From any thread.

    A client's pooled connections belong to the loop that opened them, so each loop has a client of its own, which is
    closed when the loop ends.
    """

    def __init__(self, make: Callable[[], Any], amake: Callable[[], Any]) -> None:
        """Keep how to make each; what `make` makes has a `close()`, and what `amake` makes an async one."""
        self._make = make
        self._amake = amake
        self._lock = threading.Lock()
        self._client: Any = None
        self._process = os.getpid()
        self._aclients = weakref.WeakKeyDictionary[AbstractEventLoop, tuple[Any, AsyncGenerator[None]]]()

    # A copy makes clients of its own, for the copy of the LLM: neither connections nor a lock can be copied.

    def __getstate__(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        return self._make, self._amake

    def __setstate__(self, makes: tuple[Callable[[], Any], Callable[[], Any]]) -> None:
        SDKClients.__init__(self, *makes)

    def sync(self) -> Any:
        with self._own_lock():
            if self._client is None:
                self._client = self._make()
                # Pooled connections are closed with the LLM, not left to the garbage collector, which warns of them.
                weakref.finalize(self, self._client.close)
            return self._client

    def running(self) -> Any:
        loop = get_running_loop()
        with self._own_lock():
            entry = self._aclients.get(loop)
            if entry is None:
                client = self._amake()
                entry = self._aclients[loop] = client, _closed_with_loop(client)
            return entry[0]

    def _own_lock(self) -> threading.Lock:
        """Return the lock of this process, which begins without a client if it was forked.

        On a connection that was open before, it would get the answers to others; a lock that a thread held then is never
        let go of.
        """
        if self._process != os.getpid():
            self._lock, self._client, self._process = threading.Lock(), None, os.getpid()
        return self._lock


def _closed_with_loop(client: Any) -> AsyncGenerator[None]:
    """Return what has `client` closed when the loop that runs here ends, or when nobody holds it any more.

    A loop closes the async generators that were begun in it before it ends, and has no other way to be told of its end.
    """

    async def keep() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await client.close()

    keeper = keep()
    with contextlib.suppress(StopIteration):  # how a generator that never waits answers its first step
        anext(keeper).send(None)
    return keeper
