"""Processes that replay side by side, each as far as possible what it has loaded an SDK for.

Loading an SDK takes as long as some hundred calls, so a process goes on with calls of the kind that it has made, and
takes another kind only where nobody else does, or where there is more left of it than loading takes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set as AbstractSet
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Generic, TypeVar, cast

from msgspec import Struct, field

from conformance.run.workers.child import Environment, can_be_copied, end, serve, started, starting

#: How long a process may take to end when it is told to, in seconds.
_GRACE_S: Final = 5.0

S = TypeVar("S")
R = TypeVar("R")


def side_by_side(
    work: Callable[[S], R],
    subjects: Sequence[S],
    kinds: Sequence[str],
    processes: int,
    lost: Callable[[S, int | None], R],
) -> Iterator[R]:
    """Yield what `work` makes of each subject, in their order, made in so many processes.

    `kinds` names what must be loaded for each. Where a process dies, `lost` makes a result of its subject and the
    exit code, and another process goes on. An exception of `work` is raised here.
    """
    plan = _Plan(kinds)
    running: dict[Connection, _ReplayProcess[S, R]] = {}
    made: dict[int, R] = {}
    position = 0

    def start() -> None:
        at = plan.next(frozenset())
        if at is not None:
            process = _ReplayProcess(work, beside=tuple(running))
            process.begin(at, subjects[at])
            running[process.connection] = process

    try:
        for _ in range(min(processes, len(subjects))):
            start()
        while running:
            for connection in cast(list[Connection], wait(list(running))):
                process = running[connection]
                try:
                    made[process.at] = process.result()
                except EOFError:
                    del running[connection]
                    made[process.at] = lost(subjects[process.at], process.end())
                    plan.give_back(process.loaded | {kinds[process.at]})
                    start()
                    continue
                plan.took(process.at, process.seconds, first=kinds[process.at] not in process.loaded)
                process.loaded.add(kinds[process.at])
                following = plan.next(frozenset(process.loaded))
                if following is None:
                    del running[connection]
                    process.end()
                else:
                    process.begin(following, subjects[following])
            while position in made:
                yield made.pop(position)
                position += 1
    finally:
        for process in running.values():
            process.end()


class _Pending(Struct):
    """What is left of one kind, and what it has taken so far, in seconds."""

    places: deque[int] = field(default_factory=deque)
    #: Whether a process has it loaded, or is about to.
    is_taken: bool = False
    #: The first of a process, which loads an SDK.
    loading_s: float | None = None
    #: All others, and how many they were.
    warm_s: float = 0.0
    warm: int = 0

    @property
    def is_worth_loading(self) -> bool:
        """Whether what is left will take longer than loading does; while that is unknown, it is not."""
        if self.loading_s is None or self.warm == 0:
            return False
        return len(self.places) * self.warm_s / self.warm > self.loading_s


class _Plan:
    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self._pending: dict[str, _Pending] = {}
        for place, kind in enumerate(kinds):
            self._pending.setdefault(kind, _Pending()).places.append(place)

    def next(self, loaded: frozenset[str]) -> int | None:
        """Return the place of a subject for a process that has loaded these kinds; None where others get on without it."""
        left = {kind: pending for kind, pending in self._pending.items() if pending.places}
        own = [pending for kind, pending in left.items() if kind in loaded]
        untaken = [pending for pending in left.values() if not pending.is_taken]
        worthwhile = [pending for pending in left.values() if pending.is_worth_loading]
        # The first of each, since whoever watches sees results in the order of the subjects.
        chosen = next(iter((*own, *untaken, *worthwhile)), None)
        if chosen is None:
            return None
        chosen.is_taken = True
        return chosen.places.popleft()

    def give_back(self, loaded: AbstractSet[str]) -> None:
        """Take note that a process that had loaded these kinds has died."""
        for kind in loaded:
            self._pending[kind].is_taken = False

    def took(self, place: int, seconds: float, *, first: bool) -> None:
        """Take note of how long a subject has taken, the first of its kind in a process or not."""
        pending = self._pending[self._kinds[place]]
        if first:
            pending.loading_s = seconds
        else:
            pending.warm_s += seconds
            pending.warm += 1


class _ReplayProcess(Generic[S, R]):
    def __init__(self, work: Callable[[S], R], beside: tuple[Connection, ...]) -> None:
        """`beside` are the connections of others that run."""
        self.connection: Connection
        self.connection, theirs = multiprocessing.Pipe()
        # Not a daemon, since those may have no processes of their own.
        copied = can_be_copied()
        method: Any = multiprocessing.get_context("fork" if copied else "spawn")
        # A copy has them open, too, and who waits at the other ends would not see that this process has died.
        ends = (self.connection, *beside) if copied else ()
        with contextlib.nullcontext() if copied else starting() as environment:
            self._process = method.Process(target=_serve, args=(theirs, work, environment, ends))
            self._process.start()
        theirs.close()
        #: The kinds for which it has loaded what they need.
        self.loaded: set[str] = set()
        self.at = -1
        #: Whether it has not told yet what it made of it.
        self.at_work = False
        self._began = 0.0

    def begin(self, at: int, subject: S) -> None:
        self.at, self.at_work = at, True
        self._began = time.monotonic()
        # One that has died is found out when its result is read.
        with contextlib.suppress(OSError):
            self.connection.send((subject,))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def result(self) -> R:
        """Return what it made of its subject, or raise what it raised. Raises EOFError where it has died."""
        try:
            made, error = self.connection.recv()
        except ConnectionError as broken:
            raise EOFError from broken
        self.at_work = False
        if error is not None:
            raise error
        return cast(R, made)

    def end(self) -> int | None:
        """End it, where it still works in the middle of that; return its exit code."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self._process.join(0 if self.at_work else _GRACE_S)
        end(self._process, _GRACE_S)
        self.connection.close()
        return cast(int | None, self._process.exitcode)


def _serve(
    connection: Connection, work: Callable[[Any], Any], environment: Environment | None, ends: Sequence[Connection]
) -> None:
    for of_parent in ends:
        of_parent.close()
    if environment is not None:
        started(environment)

    def receive() -> Any:
        request = connection.recv()
        if request is None:
            raise EOFError
        return request[0]

    serve(receive, connection.send, work)
