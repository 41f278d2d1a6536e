"""Live provider connections: a closed session ends them, wherever a thread is blocked in one.

A client's own `close()` does not wake a reader blocked in another thread, or blocks itself. Shutting the socket down
wakes it at once. So the socket is taken where it connects or is used again, and belongs to the run that last wrote to
it: a pooled connection may serve many.

Of async clients, httpx's need none of this: cancelling their task closes the connection. aiohttp's closes when its
response is let go of, which code that was cancelled may never do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from harness.bus.scope import Run, current_run
from harness.errors import RunCancelled
from harness.fork import freed_by_fork

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from urllib3.connection import HTTPConnection

_lock = freed_by_fork(threading.Lock())
#: Where a urllib3 connection keeps what takes it from the run that it belongs to.
_LET_GO = "_harness_let_go"
#: What marks a function that was changed here.
_CHANGED = "_harness_ends_with_run"


def end_with_run(client: Any) -> None:
    """Have the connections of an httpx or httpx2 client end when the run that uses them is cancelled.

    Neither library has a public way to its network backend, so it is wrapped in place; with a client that keeps it
    elsewhere nothing is changed.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            pool._network_backend = _Backend(pool._network_backend)


def end_urllib3_with_runs() -> None:
    """Have every connection of urllib3, so of requests and boto3 too, end when the run that uses it is cancelled.

    Imports urllib3. Changes its connection class once per process, which has no effect outside of runs.
    """
    from urllib3.connection import HTTPConnection

    _change_once(HTTPConnection, "request", _belonging)


def end_aiohttp_with_runs() -> None:
    """Have every connection of aiohttp end when the run that uses it is cancelled.

    Imports aiohttp. Changes its connectors once per process, which has no effect outside of runs.
    """
    from aiohttp.connector import BaseConnector

    _change_once(BaseConnector, "connect", _abelonging)


def _change_once(owner: Any, name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    with _lock:
        real = getattr(owner, name)
        # Also seen through the wrappers of others, which take over attributes.
        if not hasattr(real, _CHANGED):
            changed = change(real)
            setattr(changed, _CHANGED, True)
            setattr(owner, name, changed)


def _belonging(real: Callable[..., None]) -> Callable[..., None]:
    @wraps(real)
    def request(connection: HTTPConnection, *args: Any, **kwargs: Any) -> None:
        attributes = vars(connection)
        attributes.pop(_LET_GO, _nothing)()
        run = current_run()
        if run is None:
            real(connection, *args, **kwargs)
            return
        if run.cancelled:
            # An SDK that tries again after its connection has ended.
            raise RunCancelled
        let_go = run.on_cancel(lambda: _shut_down(connection.sock))
        try:
            real(connection, *args, **kwargs)
        finally:
            let_go()
        # From now on the socket itself: a response that ends with its connection takes it from the connection.
        attributes[_LET_GO] = run.on_cancel(partial(_shut_down, connection.sock))
        if run.cancelled:
            # It may have been connecting, where there was no socket to shut down.
            raise RunCancelled

    return request


def _abelonging(real: Callable[..., Awaitable[Connection]]) -> Callable[..., Awaitable[Connection]]:
    @wraps(real)
    async def connect(*args: Any, **kwargs: Any) -> Connection:
        connection = await real(*args, **kwargs)
        run = current_run()
        if run is not None:
            connection.add_callback(run.on_cancel(partial(_abort, asyncio.get_running_loop(), connection)))
        return connection

    return connect


def _abort(loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
    def abort() -> None:
        if connection.transport is not None:
            connection.transport.abort()

    # A closed loop has closed its connections.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(abort)


class _Backend:
    """An httpcore network backend that hands out streams which know their run."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> _Stream:
        return self._watched(self._backend.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> _Stream:
        return self._watched(self._backend.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)

    def _watched(self, stream: Any) -> _Stream:
        run = current_run()
        if run is not None and run.cancelled:
            # The run was closed while this thread was blocked in connecting, where there was no socket to shut down.
            stream.close()
            raise RunCancelled
        return _Stream(stream)


class _Stream:
    """An httpcore network stream that belongs to the run which last wrote to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._process = os.getpid()
        self._run: Run | None = None
        self._let_go: Callable[[], None] = _nothing

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._belong_to(current_run())
        self._stream.write(buffer, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._belong_to(None)
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> _Stream:
        return _Stream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._process != os.getpid():
            # A pool closes what is readable while no answer is due; here, the connections of a forked process's parent.
            return True
        return self._stream.get_extra_info(info)

    def _belong_to(self, run: Run | None) -> None:
        if run is self._run:
            return
        self._let_go()
        self._run = run
        self._let_go = run.on_cancel(self._shut_down) if run is not None else _nothing

    def _shut_down(self) -> None:
        _shut_down(self._stream.get_extra_info("socket"))


def _shut_down(connected: Any) -> None:
    if isinstance(connected, socket.socket):
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which would take the TLS state from under the blocked reader.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _nothing() -> None:
    return None
