"""httpx and httpx2: their HTTP transports, sync and async, answered from a tape or recorded to it.

The two are twins, so one module serves both; what is made or raised is taken from the one that the client uses.
Recording never buffers: a tee around the response stream notes each piece when it arrives and passes it on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.recording.tape.playback import Playback, cut_off, error_name, playable_headers
from harness.recording.tape.tape import tape_for
from harness.recording.transports.failures import mark_recorded
from harness.recording.wire import How, WireRequest, WireResponse

if TYPE_CHECKING:
    import httpx

    from harness.recording.tape.take import Take
    from harness.recording.tape.tape import Tape

#: What a recorded ending is raised as, where the class that was recorded is not one of this library's.
_RAISED_AS: dict[How, str] = {
    "cut": "RemoteProtocolError",
    "reset": "ReadError",
    "error": "ReadError",
    "no-response": "ConnectError",
}


def install(package: ModuleType) -> None:
    """Patch the transports of `package`, which is httpx or httpx2, for the life of the process."""
    twin = _Twin(package)
    package.HTTPTransport.handle_request = twin.sync_handler(package.HTTPTransport.handle_request)
    package.AsyncHTTPTransport.handle_async_request = twin.async_handler(
        package.AsyncHTTPTransport.handle_async_request
    )


class _Twin:
    """One of the two libraries: the patched handlers and what they need of it."""

    def __init__(self, package: ModuleType) -> None:
        self.package = package
        # A client accepts streams of its own library's classes only.
        sync, both = package.SyncByteStream, (package.SyncByteStream, package.AsyncByteStream)
        self._tee = type("TeeStream", (_NotedStream, sync), {})
        self._async_tee = type("AsyncTeeStream", (_AsyncNotedStream, package.AsyncByteStream), {})
        self._played = type("PlayedStream", (_PlayedStream, *both), {})

    def sync_handler(
        self, real: Callable[[httpx.HTTPTransport, httpx.Request], httpx.Response]
    ) -> Callable[[httpx.HTTPTransport, httpx.Request], httpx.Response]:
        @wraps(real)
        def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            tape = tape_for(request.method, str(request.url), request.headers.get("upgrade"))
            if tape is None:
                return real(transport, request)
            wire_request = _wire(request, request.read())
            answer = tape.answer(wire_request)
            if answer is not None:
                return self._play(wire_request, tape.play(answer))
            take = tape.begin(wire_request)
            try:
                response = real(transport, self._outgoing(request, tape))
            except BaseException as error:
                take.ended(*_ending_before_response(error))
                raise
            _note_head(take, response)
            response.stream = self._tee(response.stream, take, self.package)
            return response

        return handle_request

    def async_handler(
        self, real: Callable[[httpx.AsyncHTTPTransport, httpx.Request], Awaitable[httpx.Response]]
    ) -> Callable[[httpx.AsyncHTTPTransport, httpx.Request], Awaitable[httpx.Response]]:
        @wraps(real)
        async def handle_async_request(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            tape = tape_for(request.method, str(request.url), request.headers.get("upgrade"))
            if tape is None:
                return await real(transport, request)
            wire_request = _wire(request, await request.aread())
            answer = tape.answer(wire_request)
            if answer is not None:
                return await self._aplay(wire_request, tape.play(answer))
            take = tape.begin(wire_request)
            try:
                response = await real(transport, self._outgoing(request, tape))
            except BaseException as error:
                take.ended(*_ending_before_response(error))
                raise
            _note_head(take, response)
            response.stream = self._async_tee(response.stream, take, self.package)
            return response

        return handle_async_request

    def _outgoing(self, request: httpx.Request, tape: Tape) -> httpx.Request:
        """Return a copy that goes where the tape sends it, and asks for a body that can be read in a file."""
        outgoing: httpx.Request = self.package.Request(
            request.method,
            tape.destination(str(request.url)),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        outgoing.headers["accept-encoding"] = "identity"
        if outgoing.url.netloc != request.url.netloc:
            outgoing.headers["host"] = outgoing.url.netloc.decode("ascii")
        return outgoing

    def _play(self, wire_request: WireRequest, playback: Playback) -> httpx.Response:
        if playback.response.status == 0:
            playback.wait_for_end()
        return self._response(wire_request, playback)

    async def _aplay(self, wire_request: WireRequest, playback: Playback) -> httpx.Response:
        if playback.response.status == 0:
            await playback.await_end()
        return self._response(wire_request, playback)

    def _response(self, wire_request: WireRequest, playback: Playback) -> httpx.Response:
        recorded = playback.response
        ending = self._ending(wire_request, recorded)
        if recorded.status == 0 and ending is not None:
            raise ending
        response: httpx.Response = self.package.Response(
            recorded.status,
            # As bytes, which a response reads as it has read them live; of texts it takes ASCII alone.
            headers=[(name.encode(), value.encode(errors="replace")) for name, value in playable_headers(recorded)],
            stream=self._played(playback, ending, self.package),
            extensions={"http_version": b"HTTP/1.1"}
            | ({"reason_phrase": recorded.reason.encode("ascii", "ignore")} if recorded.reason else {}),
        )
        return response

    def _ending(self, wire_request: WireRequest, recorded: WireResponse) -> BaseException | None:
        """Return what is raised after the last piece, or None where the response ended well. Clients add their request."""
        how = recorded.ended.how
        if how == "complete":
            return None
        if how == "cancelled":
            return cut_off(wire_request, recorded)
        name, text = error_name(recorded)
        kind = getattr(self.package, name, None)
        if not (isinstance(kind, type) and issubclass(kind, self.package.TransportError)):
            kind = getattr(self.package, _RAISED_AS[how])
        ending: BaseException = kind(text)
        return mark_recorded(ending)


class _Noted:
    """A live response's pieces, each noted when it arrives and passed on at once."""

    def __init__(self, stream: Any, take: Take, library: ModuleType) -> None:
        self._stream = stream
        self._take = take
        self._library = library

    @contextmanager
    def _noting_end(self) -> Iterator[None]:
        try:
            yield
        except GeneratorExit:
            # Thrown in where a client drops its iterator. It says how the response ended by closing it.
            raise
        except BaseException as error:
            self._take.ended(*_ending_within_body(error, self._library))
            raise
        self._take.ended("complete")


class _NotedStream(_Noted):
    def __iter__(self) -> Iterator[bytes]:
        with self._noting_end():
            for piece in self._stream:
                self._take.chunk(piece)
                yield piece

    def close(self) -> None:
        # First, since a reader in another thread is woken by closing and would report a broken connection.
        self._take.ended("cancelled")
        self._stream.close()


class _AsyncNotedStream(_Noted):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._noting_end():
            async for piece in self._stream:
                self._take.chunk(piece)
                yield piece

    async def aclose(self) -> None:
        self._take.ended("cancelled")
        await self._stream.aclose()


class _PlayedStream:
    """A recorded response's pieces, then its recorded end."""

    def __init__(self, playback: Playback, ending: BaseException | None, library: ModuleType) -> None:
        self._playback = playback
        self._ending = ending
        self._library = library

    def __iter__(self) -> Iterator[bytes]:
        yield from self._playback.pieces()
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._playback.apieces():
            yield piece
        self._end()

    def close(self) -> None:
        self._playback.close()

    async def aclose(self) -> None:
        self._playback.close()

    def _end(self) -> None:
        if self._playback.closed:
            raise self._library.ReadError("the response was closed while it was read")
        if self._ending is not None:
            raise self._ending


def _wire(request: httpx.Request, body: bytes) -> WireRequest:
    return WireRequest(request.method, str(request.url), tuple(request.headers.multi_items()), body)


def _note_head(take: Take, response: httpx.Response) -> None:
    take.responded(response.status_code, response.reason_phrase, tuple(response.headers.multi_items()))


def _ending_before_response(error: BaseException) -> tuple[How, str | None]:
    return ("no-response", _described(error)) if isinstance(error, Exception) else ("cancelled", None)


def _ending_within_body(error: BaseException, library: ModuleType) -> tuple[How, str | None]:
    if not isinstance(error, Exception):
        return "cancelled", None
    if isinstance(error, library.RemoteProtocolError):
        return "cut", _described(error)
    return ("reset" if isinstance(error, library.ReadError) else "error"), _described(error)


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
