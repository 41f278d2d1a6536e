"""The HTTP libraries through which requests reach a tape, each patched once per process and for good.

A patched library asks `harness.recording.tape.tape` about each request. Where no tape is open and the network is not
blocked, the request goes straight through.

To add one: a module here with `install()`, which patches what its row names, and a row.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
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
#: Libraries that were not found, and what was searched for them.
_missing: dict[str, tuple[tuple[str, int], ...]] = {}


def install() -> None:
    """Patch every known HTTP library that is installed and not patched yet. Safe to call again, from any thread."""
    with _lock:
        waiting = [library for library in _PATCHED_BY if library not in _installed]
        places = _places() if waiting else ()
        for library in waiting:
            if _is_there(library, places):
                importlib.import_module(_PATCHED_BY[library]).install(importlib.import_module(library))
                _installed.add(library)


def _is_there(library: str, places: tuple[tuple[str, int], ...]) -> bool:
    # A search takes longer than opening a cassette, and each one opens a tape.
    if library not in sys.modules and _missing.get(library) == places:
        return False
    if importlib.util.find_spec(library) is None:
        _missing[library] = places
        return False
    return True


def _places() -> tuple[tuple[str, int], ...]:
    """Return where Python looks for modules, and when something was last put there; 0 for what is no folder."""
    return tuple((place, _changed_ns(place)) for place in sys.path)


def _changed_ns(place: str) -> int:
    try:
        return os.stat(place or ".").st_mtime_ns  # noqa: PTH116 - a Path takes longer
    except OSError:
        return 0
