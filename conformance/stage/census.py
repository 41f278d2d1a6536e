"""What a run has left behind: threads, tasks, sockets, and objects that something still refers to.

Counted in the process itself, without anything that the runtime could answer for: the interpreter's list of threads, the
kernel's list of descriptors, the garbage collector's list of objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import stat
import threading
import weakref
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

from conformance.stage.patience import becomes_true, comes_true, unended

#: How long what is at its end may take to be gone, in seconds. A sound runtime takes milliseconds.
ENDING_S: Final = 2.0
#: Threads of the scripted provider: the one that listens stays, the others as long as a client keeps its connection.
_LISTENING: Final = "provider"
_ANSWERING: Final = "process_request_thread"
#: Where it is told which descriptors this process has; elsewhere no sockets are counted.
_DESCRIPTORS: Final = Path("/dev/fd")
#: Python sets no flag of a descriptor that it is told to be non-blocking. Any other gets those of a default timeout, and a
#: duplicate shares them with the socket that is looked at.
_AS_IT_IS: Final = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)


class Census:
    """What there was before a run, to be held against what there is after it."""

    def __init__(self, provider_port: int) -> None:
        self._port = provider_port
        self._threads = frozenset(threading.enumerate())
        self._sockets = _sockets(provider_port)
        self._watched: list[tuple[str, weakref.ref[Any]]] = []

    def watch(self, name: str, thing: Any) -> None:
        """Have `thing` counted as left behind while anything refers to it."""
        self._watched.append((name, weakref.ref(thing)))

    def threads_left(self, within_s: float = ENDING_S) -> tuple[str, ...]:
        """Return the names of threads that were started since, or by such a thread, and have not ended in time."""

        def ended(seconds: float) -> bool:
            alive = self._others()
            if alive:
                alive[0].join(seconds)
            return not self._others()

        return () if comes_true(ended, within_s) else tuple(f"thread {thread.name!r}" for thread in self._others())

    def _others(self) -> list[threading.Thread]:
        return [thread for thread in threads_since(self._threads) if thread is not threading.current_thread()]

    def things_left(self, event_ids: Collection[str], within_s: float = ENDING_S) -> tuple[str, ...]:
        """Return what of the watched and of the events with these ids is still there, and of sockets what is not gone in time."""
        gc.collect()
        objects = [name for name, reference in self._watched if reference() is not None]
        events = [f"event {name}" for name in _events_alive(frozenset(event_ids))]
        # Of what is left already, sockets may well be a part.
        if not (objects or events):
            becomes_true(lambda: not self._other_sockets(), within_s)
        sockets = len(self._other_sockets())
        return (*objects, *events, *([f"{sockets} sockets"] if sockets else []))

    def _other_sockets(self) -> set[int]:
        return _sockets(self._port) - self._sockets


async def tasks_left(own: Iterable[asyncio.Task[Any]], within_s: float = ENDING_S) -> tuple[str, ...]:
    """Return the names of the running loop's tasks that are not `own` and do not end in time."""
    left = await unended(asyncio.all_tasks() - set(own), within_s)
    return tuple(f"task {task.get_name()!r}" for task in left)


def threads_since(before: Collection[threading.Thread]) -> list[threading.Thread]:
    """Return the threads that have been started since there were those, without the scripted provider's."""
    now = threading.enumerate()
    started = [thread for thread in now if thread not in before]
    return [thread for thread in started if thread.name != _LISTENING and _ANSWERING not in thread.name]


def _events_alive(event_ids: frozenset[str]) -> list[str]:
    if not event_ids:
        return []
    names = []
    for thing in gc.get_objects():
        try:
            fields = object.__getattribute__(thing, "__dict__")
        except (AttributeError, TypeError):
            continue
        if type(fields) is dict and fields.get("event_id").__class__ is str and fields["event_id"] in event_ids:
            names.append(type(thing).__name__)
    return names


def _sockets(port: int) -> set[int]:
    """Return the inodes of this process's sockets but those of the provider that answers on a port of its own."""
    held = set()
    for descriptor in [int(path.name) for path in _DESCRIPTORS.iterdir()] if _DESCRIPTORS.exists() else ():
        with contextlib.suppress(OSError):  # closed since it was listed
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode) and _port_of(descriptor) != port:
                held.add(status.st_ino)
    return held


def _port_of(descriptor: int) -> int | None:
    """Return the port that a socket has here; None for one of another kind."""
    with socket.socket(type=_AS_IT_IS, fileno=os.dup(descriptor)) as duplicate:
        address = duplicate.getsockname()
        return address[1] if isinstance(address, tuple) and len(address) > 1 else None
