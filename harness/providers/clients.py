"""The SDK clients of one LLM: a sync one, and an async one for each loop."""

from __future__ import annotations

import threading
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
A = TypeVar("A")


class SDKClients(Generic[S, A]):
    """Makes clients when they are first needed. From any thread.

    A client's pooled connections belong to the loop that opened them, so each loop has a client of its own, which goes
    with it.
    """

    def __init__(self, make: Callable[[], S], amake: Callable[[], A]) -> None:
        self._make = make
        self._amake = amake
        self._lock = threading.Lock()
        self._client: S | None = None
        self._aclients: weakref.WeakKeyDictionary[AbstractEventLoop, A] = weakref.WeakKeyDictionary()

    def sync(self) -> S:
        """Return the client for threads."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def running(self) -> A:
        """Return the client for the loop that runs here."""
        loop = get_running_loop()
        with self._lock:
            client = self._aclients.get(loop)
            if client is None:
                client = self._aclients[loop] = self._amake()
            return client
