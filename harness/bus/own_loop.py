"""The loop of the bus's own, in which async listeners end whatever becomes of the emitter's thread or loop."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from harness.fork import after_fork

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

# asyncio is imported late: most programs have no async listeners.

#: Whether the context is that of a coroutine in this loop.
_inside: Final = contextvars.ContextVar("harness_in_own_loop", default=False)


class OwnLoop:
    """A loop in a daemon thread, which begins with the first coroutine and takes on more until `shutdown`.

    Each coroutine runs in a copy of the context of whoever hands it over, where `is_inside` is true. A forked child has a
    loop of its own.
    """

    def __init__(self) -> None:
        self._renew()
        after_fork(self._renew)

    def _renew(self) -> None:
        # Reentrant: what the garbage collector ends may hand over a coroutine in the middle of this.
        self._lock = threading.RLock()
        self._loop: AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pending: set[concurrent.futures.Future[None]] = set()

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        """Have the coroutine run, and return what is done when it has ended."""
        import asyncio

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_work, args=(self._loop,), name="harness-listeners", daemon=True)
                self._thread.start()
            context = contextvars.copy_context()
            context.run(_inside.set, True)
            future = context.run(asyncio.run_coroutine_threadsafe, coroutine, self._loop)
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def is_inside(self) -> bool:
        """Whether this context is that of a coroutine that was handed over, or of a thread or task that it started."""
        return _inside.get()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait for all that was handed over; True when it ended within `timeout` seconds.

        What runs in this very loop can't be waited for from inside it: there the answer comes at once.
        """
        if threading.current_thread() is self._thread:
            timeout = 0
        with self._lock:
            pending = list(self._pending)
        return not concurrent.futures.wait(pending, timeout).not_done

    def shutdown(self, wait: bool = True) -> None:
        """End the loop and its thread: after what was handed over, or, without `wait`, at once, which cancels it."""
        if wait:
            self.flush()
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            if wait and thread is not threading.current_thread():
                thread.join()


def _work(loop: AbstractEventLoop) -> None:
    import asyncio

    try:
        loop.run_forever()
        # It was shut down while something was at work.
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
