"""An app, served until the process is interrupted."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Collection

from harness.errors import MissingExtraError, UsageError
from harness.web.app import LOOPBACK, TimelinePage, create_app

try:
    import uvicorn
except ImportError as missing:
    raise MissingExtraError("serving an app needs uvicorn: pip install 'stream-harness[web]'") from missing

#: How long clients that are being answered have when the server ends, in seconds.
_GRACE_S = 2
#: Connections that wait to be accepted.
_BACKLOG = 1_024


def serve_app(
    target: str,
    *,
    host: str = LOOPBACK[0],
    port: int = 0,
    origins: Collection[str] = (),
    hosts: Collection[str] = (),
    ready: Callable[[str], None] = lambda url: None,
    timeline: TimelinePage | None = None,
) -> None:
    """Serve `create_app(target)` until the process is interrupted; call `ready` with its URL once it listens.

    `timeline` makes the page of a run's timeline, where there is to be one.

    `port` 0 takes a free one. It answers to loopback's names, `host` and `hosts` alone.

    Raises:
        KeyboardInterrupt: at Ctrl-C; it never returns.
        UsageError: as `create_app`, or the port can't be used; a host without a name, which would be every one.
    """
    if not host:
        raise UsageError("the host is ''; expected a name or an address, as 127.0.0.1, or 0.0.0.0 for every one")
    app = create_app(target, origins=origins, hosts=(*LOOPBACK, host, *hosts), timeline=timeline)
    try:
        # Told what is no name at all, it would leave a socket open.
        host.encode("idna")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(
            f"port {port} of {host} can't be used: {error}; choose another, or leave it out for a free one"
        ) from error
    with listener:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            # Nothing here is a websocket; uvicorn would look for a library that speaks with them.
            ws="none",
        )
        server = uvicorn.Server(config)
        # Whoever still reads when the server ends is cut off, and so is who takes nothing, which is no fault.
        logging.getLogger("uvicorn.error").addFilter(
            lambda record: "without completing response" not in record.getMessage()
        )
        server.run(sockets=[listener])
    raise KeyboardInterrupt
