"""The emulator: a recording served on loopback as the provider that it was recorded from.

Clients need nothing but its URL in place of the provider's. Every recorded chunk leaves as one chunk of HTTP's, when it
came or at once, and every response ends as it ended: in order, cut off, reset, or in silence.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import UsageError
from harness.recording.faults.faults import Fault
from harness.recording.serve.http_connection import serve_connection
from harness.recording.serve.served import Answers, Served, load_served
from harness.recording.tape.playback import check_speed
from harness.recording.wire import WireRequest, WireResponse

_HOST = "127.0.0.1"
#: What the system says when it has no descriptor, or no memory, for another connection; and how long to wait then.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S = 0.1


def serve(
    path: Path,
    *,
    port: int = 0,
    speed: float | None = None,
    faults: Sequence[Fault] = (),
    ready: Callable[[Emulator], None] = lambda emulator: None,
    on_answer: Callable[[WireRequest, WireResponse], None] = lambda request, response: None,
) -> None:
    """Serve the recording or cassette at `path` until the process is interrupted; call `ready` once it listens.

    `on_answer` is told of each request and of what it is answered with, before that is sent.

    `port` 0 takes a free one. `speed` paces answers: 1.0 as recorded, None at once.

    Raises:
        KeyboardInterrupt: at Ctrl-C; it never returns.
        UnreadableRecordingError, UsageError: as `load_served`; the speed is not above zero, or the port can't be used.
    """
    emulator = Emulator(load_served(path, faults), port=port, speed=speed, on_answer=on_answer)

    async def run() -> None:
        async with emulator:
            ready(emulator)
            await asyncio.Event().wait()

    _run(run())


@contextmanager
def emulated(
    path: Path, *, port: int = 0, speed: float | None = None, faults: Sequence[Fault] = ()
) -> Iterator[Emulator]:
    """Serve as `serve` does, from a thread, until the context is left; connections that are open then are closed.

    Raises:
        UnreadableRecordingError, UsageError: as `serve`.
    """
    emulator = Emulator(load_served(path, faults), port=port, speed=speed)
    listens: Future[Callable[[], object]] = Future()

    async def run() -> None:
        loop, leave = asyncio.get_running_loop(), asyncio.Event()
        async with emulator:
            listens.set_result(lambda: loop.call_soon_threadsafe(leave.set))
            await leave.wait()

    def work() -> None:
        try:
            _run(run())
        except BaseException as error:
            if listens.done():
                raise
            listens.set_exception(error)

    thread = threading.Thread(target=work, name="harness-emulator", daemon=True)
    thread.start()
    leave = listens.result()
    try:
        yield emulator
    finally:
        leave()
        thread.join()


def _run(main: Coroutine[None, None, None]) -> None:
    # Not the loop that Windows has by default, which can't watch a socket.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(main)


class Emulator:
    """A server of recorded responses; an async context manager that listens while its block runs.

    Needs a loop that has `add_reader`.
    """

    def __init__(
        self,
        served: Served,
        *,
        port: int = 0,
        speed: float | None = None,
        on_answer: Callable[[WireRequest, WireResponse], None] = lambda request, response: None,
    ) -> None:
        check_speed(speed)
        self.served = served
        #: What was asked for so far.
        self.answers = Answers(served)
        self._port = port
        self._speed = speed
        self._on_answer = on_answer
        self._listener: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Scheme, host and port; what follows is the path of the provider's own URLs. Ask once it listens."""
        return f"http://{_HOST}:{self._port}"

    async def __aenter__(self) -> Self:
        try:
            self._listener = socket.create_server((_HOST, self._port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {self._port} of {_HOST} can't be used: {error}; choose another, or leave it out for a free one"
            ) from error
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _answer(self, request: WireRequest) -> WireResponse:
        response = self.answers.answer(request)
        self._on_answer(request, response)
        return response

    def _pause(self, listener: socket.socket) -> None:
        """Accept nothing for a moment: a connection that waits would be told of again and again, until one has ended."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)

        def go_on() -> None:
            if listener.fileno() >= 0:
                loop.add_reader(listener, self._accept, listener)

        loop.call_later(_PAUSE_S, go_on)

    def _accept(self, listener: socket.socket) -> None:
        # Not asyncio's own server: closed while a connection is on its way in, it leaves that one open for ever.
        try:
            connection, _ = listener.accept()
        except OSError as error:
            # Else the client was faster, or has left again.
            if error.errno in _EXHAUSTED:
                self._pause(listener)
            return
        connection.setblocking(False)

        def over(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            # A task that was cancelled before it began has closed nothing.
            connection.close()

        task = asyncio.get_running_loop().create_task(
            serve_connection(connection, self._answer, self._speed), name="harness-emulator connection"
        )
        self._connections.add(task)
        task.add_done_callback(over)
