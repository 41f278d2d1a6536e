"""An ASGI app on a port of loopback, served by uvicorn in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.web.sessions import PATIENCE_S


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve `app` until the block ends, and give its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, ws="none")
        server = uvicorn.Server(config)
        started = threading.Event()
        startup = server.startup

        async def begin(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            started.set()

        server.startup = begin  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            assert started.wait(PATIENCE_S)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
