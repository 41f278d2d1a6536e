"""Work that is given to the workers of a Dask scheduler, in batches that take seconds.

A task costs client and scheduler a millisecond, so one is worth it only where it takes long. The work itself is done by a
process beside each thread of a worker (`work_process`). A task whose worker dies is done again by another; what a task has made
is taken once.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, cast

from conformance.run.workers.work_process import LostWorkError, WorkProcess
from harness.errors import UsageError

S = TypeVar("S")
R = TypeVar("R")

#: How long a batch is to take, in seconds.
BATCH_S: Final = 3.0
#: No batch has more subjects.
_MOST: Final = 2_000
#: How many batches wait for each thread of a worker, so that none is idle while its results travel.
_AHEAD: Final = 2
#: How long to wait for the scheduler, and for its first worker, in seconds.
_PATIENCE_S: Final = 30.0
#: How often a batch is tried whose worker dies.
_TRIES: Final = 3


def scheduled(
    work: Callable[[S], R], subjects: Sequence[S], address: str, lost: Callable[[S, int | None], R]
) -> Iterator[tuple[int, R]]:
    """Yield the place of each subject with what `work` makes of it, as they are made; each once.

    Where a process dies at a subject, `lost` makes a result of it and the exit code. When the caller stops, what is not
    yet begun is cancelled.

    Raises:
        UsageError: the extra is not installed, or nobody answers at the address.
    """
    client = _client(address)
    run = _Run(client, work, subjects, lost)
    try:
        yield from run.made()
    finally:
        run.close()
        client.close()


def in_order(made: Iterator[tuple[int, R]]) -> Generator[R]:
    """Yield in the order of their places what comes in any; interrupted, what is left of it, and then the interrupt."""
    waiting: dict[int, R] = {}
    position = 0
    try:
        for place, result in made:
            waiting[place] = result
            while position in waiting:
                yield waiting.pop(position)
                position += 1
    except KeyboardInterrupt:
        for place in sorted(waiting):
            yield waiting[place]
        raise


def consume(made: Generator[R], take: Callable[[R], object]) -> bool:
    """Take all that is made, in order; return False where that was interrupted, with all taken that had been made."""
    try:
        for result in made:
            take(result)
    except KeyboardInterrupt as interrupt:
        with contextlib.suppress(KeyboardInterrupt, StopIteration):
            take(made.throw(interrupt))
            for result in made:
                take(result)
        return False
    return True


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("a scheduler needs distributed: pip install 'stream-harness[dask]'") from error
    try:
        client: Any = cast(Any, Client)(address, set_as_default=False, timeout=_PATIENCE_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"--scheduler {address!r}: nobody answers there ({error}); start dask scheduler") from error
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError:
        client.close()
        raise UsageError(f"--scheduler {address!r}: it has no worker; start dask worker {address}") from None
    return client


class _Run(Generic[S, R]):
    def __init__(
        self, client: Any, work: Callable[[S], R], subjects: Sequence[S], lost: Callable[[S, int | None], R]
    ) -> None:
        self._client = client
        self._subjects = subjects
        self._lost = lost
        self._content = pickle.dumps((work, lost))
        self._folder = str(Path.cwd())
        self._name = hashlib.sha256(self._content).hexdigest()[:16] + f"-{time.monotonic_ns():x}"
        self._next = 0
        #: Future → the places of its subjects.
        self._under_way: dict[Any, range] = {}
        self._per_subject_s: float | None = None

    def made(self) -> Iterator[tuple[int, R]]:
        from distributed import as_completed

        completed: Any = cast(Any, as_completed)([], loop=self._client.loop)
        while True:
            for future in self._more():
                completed.add(future)
            if not self._under_way:
                return
            future = next(completed)
            places = self._under_way.pop(future)
            yield from zip(places, self._results(future, places), strict=True)

    def close(self) -> None:
        """Cancel what is not done, and end the processes of this run beside the workers."""
        if self._under_way:
            self._client.cancel(list(self._under_way), force=True)
        self._client.run(end_processes, self._name, on_error="ignore")

    def _more(self) -> Iterator[Any]:
        threads = max(1, sum(self._client.nthreads().values()))
        while self._next < len(self._subjects) and len(self._under_way) < threads * _AHEAD:
            left = len(self._subjects) - self._next
            # At first one each, to learn how long they take; at the end no more than leaves some for all.
            size = 1 if self._per_subject_s is None else int(BATCH_S / max(self._per_subject_s, BATCH_S / _MOST))
            size = max(1, min(size, -(-left // threads)))
            places = range(self._next, self._next + size)
            self._next += size
            future = self._client.submit(
                make_batch,
                self._name,
                self._content,
                self._folder,
                list(self._subjects[places.start : places.stop]),
                pure=False,
                retries=_TRIES,
                key=f"harness-{self._name}-{places.start}",
            )
            self._under_way[future] = places
            yield future

    def _results(self, future: Any, places: range) -> list[R]:
        from distributed import KilledWorker

        try:
            seconds, results = future.result()
        except KilledWorker:
            return [self._lost(self._subjects[place], None) for place in places]
        except OSError as error:
            raise UsageError(f"a worker can't work in '{self._folder}': {error}; it needs the same files") from error
        self._per_subject_s = seconds / len(places)
        return cast("list[R]", results)


_processes: dict[tuple[str, int], WorkProcess[Any, Any]] = {}
_lock: Final = threading.Lock()


def make_batch(name: str, content: bytes, folder: str, subjects: list[Any]) -> tuple[float, list[Any]]:
    """Called in a worker: return how long it took, in seconds, and what was made of each subject."""
    began = time.monotonic()
    work, lost = pickle.loads(content)  # noqa: S301 - what the client of this scheduler sends is run here anyway
    with _lock:
        process = _processes.setdefault((name, threading.get_ident()), WorkProcess(work, Path(folder)))
    made = []
    for subject in subjects:
        try:
            made.append(process.make(subject))
        except LostWorkError as ended:
            made.append(lost(subject, ended.exit_code))
    return time.monotonic() - began, made


def end_processes(name: str) -> None:
    """Called in a worker: end what was started beside it for one run."""
    with _lock:
        mine = [key for key in _processes if key[0] == name]
        ended = [_processes.pop(key) for key in mine]
    for process in ended:
        process.close()
