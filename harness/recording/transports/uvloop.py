"""uvloop, which opens its sockets itself: what it connects, sends and looks up is stopped where its loop is asked.

Its transports are C, and can't be watched. So an endpoint for datagrams, which could send anywhere later, is refused as
such while the network is blocked.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from harness.recording.transports.sockets import check_connection, check_datagram, check_lookup, check_reverse_lookup


def install(library: ModuleType) -> None:
    """Have every loop of uvloop ask before it reaches for the network, for the life of the process."""
    loop = library.Loop
    for name, check in (
        ("create_connection", _connection),
        ("create_datagram_endpoint", _datagrams),
        ("getaddrinfo", _lookup),
        ("getnameinfo", _name_of),
    ):
        setattr(loop, name, _checked(getattr(loop, name), check))


def _checked(method: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def checked(loop: Any, *args: Any, **options: Any) -> Any:
        check(*args, **options)
        return await method(loop, *args, **options)

    return checked


def _connection(factory: Any, host: Any = None, port: Any = None, *, sock: Any = None, **options: Any) -> None:
    # A socket that is given has been connected already, by Python.
    if sock is None:
        check_connection((host, port))


def _datagrams(
    factory: Any, local_addr: Any = None, remote_addr: Any = None, *, sock: Any = None, **options: Any
) -> None:
    if sock is None or sock.family != getattr(socket, "AF_UNIX", None):
        check_datagram(remote_addr or "any address")


def _lookup(host: Any, port: Any, **options: Any) -> None:
    check_lookup(host)


def _name_of(sockaddr: Any, flags: int = 0) -> None:
    check_reverse_lookup(sockaddr[0])
