"""The HTTP libraries through which requests reach a tape, each patched once per process and for good.

A patched library asks `harness.recording.tape.tape` about each request. Where no tape is open and the network is not
blocked, the request goes straight through.

To add one: a module here with `install()`, which patches what its row names, and a row.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading

__all__ = ["install"]

#: The library, and the module here that patches it by its name.
_PATCHED_BY = {
    "httpx": "harness.recording.transports.httpx",
    "httpx2": "harness.recording.transports.httpx",
    "urllib3": "harness.recording.transports.urllib3",
    "aiohttp": "harness.recording.transports.aiohttp",
    # urllib.request stands on it.
    "http.client": "harness.recording.transports.http_client",
    # What none of the above opens.
    "socket": "harness.recording.transports.sockets",
    # Its sockets are not Python's.
    "uvloop": "harness.recording.transports.uvloop",
}

_lock = threading.Lock()
_installed: set[str] = set()


def install() -> None:
    """Patch every known HTTP library that is installed and not patched yet. Safe to call again, from any thread."""
    with _lock:
        for library, patcher in _PATCHED_BY.items():
            if library not in _installed and importlib.util.find_spec(library) is not None:
                importlib.import_module(patcher).install(importlib.import_module(library))
                _installed.add(library)
