"""TLS contexts that clients share: reading the system's certificates takes longer than all else in making a client.

Each verifies as the one that its library would have made for a client alone. What the environment says of certificates
is asked anew for each client.
"""

from __future__ import annotations

import importlib
import os
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

#: What decides, beside the system's certificates, what a context is like.
_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

C = TypeVar("C")


def http_client(kind: type[C]) -> C:
    """Return a client of a class over httpx or httpx2, with its class's own settings."""
    make = library_of(kind).create_ssl_context
    return kind(verify=_context(make, *map(os.environ.get, _VARIABLES)))  # type: ignore[call-arg]  # all of both libraries take it


def library_of(kind: type) -> Any:
    """Return the library that a class of clients is built on: httpx, or its twin."""
    names = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return importlib.import_module(next(name for name in names if name in ("httpx", "httpx2")))


def system_context() -> ssl.SSLContext:
    """Return Python's default context for clients."""
    return _context(ssl.create_default_context, *map(os.environ.get, _VARIABLES))


@lru_cache(maxsize=16)
def _context(make: Callable[[], ssl.SSLContext], *environment: str | None) -> ssl.SSLContext:
    return make()
