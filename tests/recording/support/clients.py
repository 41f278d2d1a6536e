"""Every HTTP library that tapes know, used as its SDKs use it, behind one way to post and read."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import httpx2
import requests
import urllib3

from tests.recording.support.loopback import PATIENCE_S

Seen = Callable[[bytes], object]


@dataclass(slots=True)
class Read:
    """What a client saw of one response."""

    pieces: list[bytes] = field(default_factory=list)
    status: int = 0
    #: As the library gives them: a mapping whose names have no case.
    headers: Any = None
    #: The class of the library's error and its text; empty where none was raised.
    error: str = ""
    text: str = ""
    #: The URL of the request that the error names, where it names one.
    asked: str = ""

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Client:
    """One library, used one way."""

    name: str
    #: Posts to a URL, fills the `Read`, tells of each piece, and stops where told true.
    use: Callable[[str, bytes, float, Read, Seen], None]
    #: The base class of what the library raises about connections.
    errors: type[Exception] | tuple[type[Exception], ...]
    #: The class that it raises, by what happens to a response; nothing is raised where nothing stands here.
    raises: Mapping[str, str]
    #: Whether it keeps the end of a body from its users where that is shorter than was said.
    withholds_rest: bool = False

    def post(
        self,
        url: str,
        *,
        content: bytes = b'{"a": 1}',
        timeout: float = PATIENCE_S,
        on_piece: Seen = lambda _: False,
    ) -> Read:
        """Post, read piece by piece; leave after a piece where told to by `True`. Errors of the library are noted."""
        read = Read()

        def seen(piece: bytes) -> bool:
            read.pieces.append(piece)
            return on_piece(piece) is True

        try:
            self.use(url, content, timeout, read, seen)
        except self.errors as error:
            read.error, read.text = type(error).__name__, str(error)
            read.asked = str(getattr(getattr(error, "request", None), "url", ""))
        return read


def _sync_httpx(library: Any) -> Callable[[str, bytes, float, Read, Seen], None]:
    def use(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
        with (
            library.Client(timeout=timeout, trust_env=False, verify=False) as client,
            client.stream("POST", url, content=content) as response,
        ):
            read.status, read.headers = response.status_code, response.headers
            for piece in response.iter_raw():
                if seen(piece):
                    break

    return use


def _async_httpx(library: Any) -> Callable[[str, bytes, float, Read, Seen], None]:
    async def ause(url: str, content: bytes, patience: float, read: Read, seen: Seen) -> None:
        async with (
            library.AsyncClient(timeout=patience, trust_env=False, verify=False) as client,
            client.stream("POST", url, content=content) as response,
        ):
            read.status, read.headers = response.status_code, response.headers
            async for piece in response.aiter_raw():
                if seen(piece):
                    break

    return lambda *args: asyncio.run(ause(*args))


def _urllib3(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
    with urllib3.PoolManager(timeout=timeout, retries=False) as pools:
        response = pools.request("POST", url, body=content, preload_content=False)
        try:
            read.status, read.headers = response.status, response.headers
            for piece in response.stream():
                if seen(piece):
                    break
        finally:
            response.close()


def _requests(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
    with (
        requests.Session() as session,
        session.post(url, data=content, timeout=timeout, stream=True) as response,
    ):
        read.status, read.headers = response.status_code, response.headers
        for piece in response.iter_content(None):
            if seen(piece):
                break


async def _apost(url: str, content: bytes, patience: float, read: Read, seen: Seen) -> None:
    limits = aiohttp.ClientTimeout(sock_read=patience)
    # Lower case, as google-genai has it.
    async with (
        aiohttp.ClientSession(timeout=limits) as session,
        session.request("post", url, data=content) as response,
    ):
        read.status, read.headers = response.status, response.headers
        async for piece in response.content.iter_any():
            if seen(piece):
                break


def _aiohttp(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
    asyncio.run(_apost(url, content, timeout, read, seen))


def _urllib(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
    request = urllib.request.Request(url, content, {"Content-Type": "application/octet-stream"})
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        read.status, read.headers = response.status, response.headers
        while piece := response.read1():
            if seen(piece):
                break
        else:
            # As `urlretrieve` looks whether all has come.
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)


def _http_client(url: str, content: bytes, timeout: float, read: Read, seen: Seen) -> None:
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with contextlib.closing(kind(parts.netloc, timeout=timeout)) as connection:
        connection.request("POST", target, content)
        with connection.getresponse() as response:
            read.status, read.headers = response.status, response.headers
            while piece := response.read1():
                if seen(piece):
                    return
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)


_OF_HTTP_CLIENT = (OSError, http.client.HTTPException)


def _raises(*errors: str) -> dict[str, str]:
    """Return what is raised, by the ids of the cases in `transports/test_together.py`."""
    cases = (
        "cut", "short", "reset", "silent in the body",
        "silent before the head", "closed before the head", "reset before the head", "refused",
    )  # fmt: skip
    return dict(zip(cases, errors, strict=True))


_HTTPX = _raises(
    "RemoteProtocolError", "RemoteProtocolError", "ReadError", "ReadTimeout",
    "ReadTimeout", "RemoteProtocolError", "ReadError", "ConnectError",
)  # fmt: skip
_URLLIB3 = _raises(
    "ProtocolError", "ProtocolError", "ProtocolError", "ReadTimeoutError",
    "ReadTimeoutError", "ProtocolError", "ProtocolError", "NewConnectionError",
)  # fmt: skip
_REQUESTS = _raises(
    "ChunkedEncodingError", "ChunkedEncodingError", "ChunkedEncodingError", "ConnectionError",
    "ReadTimeout", "ConnectionError", "ConnectionError", "ConnectionError",
)  # fmt: skip
_AIOHTTP = _raises(
    "ClientPayloadError", "ClientPayloadError", "ClientPayloadError", "SocketTimeoutError",
    "SocketTimeoutError", "ServerDisconnectedError", "ClientOSError", "ClientConnectorError",
)  # fmt: skip
_HTTP_CLIENT = _raises(
    "IncompleteRead", "IncompleteRead", "ConnectionResetError", "TimeoutError",
    "TimeoutError", "RemoteDisconnected", "ConnectionResetError", "ConnectionRefusedError",
)  # fmt: skip

CLIENTS = {
    client.name: client
    for client in (
        Client("httpx", _sync_httpx(httpx), httpx.TransportError, _HTTPX),
        Client("httpx async", _async_httpx(httpx), httpx.TransportError, _HTTPX),
        Client("httpx2", _sync_httpx(httpx2), httpx2.TransportError, _HTTPX),
        Client("httpx2 async", _async_httpx(httpx2), httpx2.TransportError, _HTTPX),
        Client("urllib3", _urllib3, urllib3.exceptions.HTTPError, _URLLIB3, withholds_rest=True),
        Client("requests", _requests, requests.RequestException, _REQUESTS, withholds_rest=True),
        Client("aiohttp", _aiohttp, aiohttp.ClientError, _AIOHTTP),
        Client("urllib", _urllib, _OF_HTTP_CLIENT, {**_HTTP_CLIENT, "refused": "URLError"}, withholds_rest=True),
        Client("http.client", _http_client, _OF_HTTP_CLIENT, _HTTP_CLIENT, withholds_rest=True),
    )
}
