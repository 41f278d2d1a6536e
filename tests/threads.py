"""Threads that do the same at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: How long a test waits for what must happen; only a failing one waits that long.
TIMEOUT_S = 10.0


def in_threads(count: int, function: Callable[..., object], *args: object) -> None:
    """Call `function(*args)` in as many threads, which begin together, and wait for all of them."""
    together = threading.Barrier(count)

    def work() -> None:
        together.wait(TIMEOUT_S)
        function(*args)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()
