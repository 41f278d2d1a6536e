"""The emulator: a recording served on loopback as the provider that it was recorded from.

Clients need nothing but its URL in place of the provider's. Every recorded chunk leaves as one chunk of HTTP's, when it
came or at once, and every response ends as it ended: in order, cut off, reset, or in silence.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import UsageError
from harness.recording.faults import Fault
from harness.recording.http_connection import serve_connection
from harness.recording.served import Answers, Served, load_served

_HOST = "127.0.0.1"


def serve(
    path: Path,
    *,
    port: int = 0,
    speed: float | None = None,
    faults: Sequence[Fault] = (),
    ready: Callable[[Emulator], None] = lambda emulator: None,
) -> None:
    """Serve the recording or cassette at `path` until the process is interrupted; call `ready` once it listens.

    `port` 0 takes a free one. `speed` paces answers: 1.0 as recorded, None at once.

    Raises:
        KeyboardInterrupt: at Ctrl-C; it never returns.
        UnreadableRecordingError, UsageError: as `load_served`, and where the port can't be had.
    """
    emulator = Emulator(load_served(path, faults), port=port, speed=speed)

    async def run() -> None:
        async with emulator:
            ready(emulator)
            await asyncio.Event().wait()

    asyncio.run(run())


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
            asyncio.run(run())
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


class Emulator:
    """A server of recorded responses; an async context manager that listens while its block runs."""

    def __init__(self, served: Served, *, port: int = 0, speed: float | None = None) -> None:
        self.served = served
        #: What was asked for so far.
        self.answers = Answers(served)
        self._port = port
        self._speed = speed
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Scheme, host and port; what follows is the path of the provider's own URLs. Ask once it listens."""
        return f"http://{_HOST}:{self._port}"

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._accept, _HOST, self._port)
        except (OSError, OverflowError) as error:
            raise UsageError(f"port {self._port} of {_HOST} can't be had: {error}; choose another, or none") from error
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def over(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            # A task that was cancelled before it began has closed nothing.
            writer.transport.abort()

        # A task of our own: the one that asyncio makes for a coroutine reports its cancellation as an error.
        task = asyncio.get_running_loop().create_task(
            serve_connection(reader, writer, self.answers.answer, self._speed)
        )
        self._connections.add(task)
        task.add_done_callback(over)
