"""What is counted as left behind: also what begins while it is counted."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from conformance.stage.census import Census


class Ending(threading.Thread):
    """A thread that comes to its end when it is waited for, and starts another one before it does."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__(name="ending", daemon=True)
        self._released = released
        self._waited_for = threading.Event()

    def run(self) -> None:
        self._waited_for.wait()
        threading.Thread(target=self._released.wait, name="late", daemon=True).start()

    def join(self, timeout: float | None = None) -> None:
        self._waited_for.set()
        super().join(timeout)


def test_a_thread_that_an_ending_one_starts_is_waited_for_too() -> None:
    census = Census(provider_port=0)
    released = threading.Event()
    Ending(released).start()
    try:
        assert census.threads_left(within_s=0.1) == ("thread 'late'",)
    finally:
        released.set()
    assert census.threads_left() == ()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell which sockets there are")
def test_a_loop_that_nobody_closed_is_left_behind() -> None:
    census = Census(provider_port=0)
    loop = asyncio.new_event_loop()
    left = census.things_left(())
    loop.close()
    assert (left, census.things_left(())) == (("2 sockets",), ())
