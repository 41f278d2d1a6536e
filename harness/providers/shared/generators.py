"""Reading what the async generators of an SDK and its HTTP client yield, so that none is left open.

One that iterates over another does not close it when it is itself left: the inner one waits for the garbage collector,
which asks the loop to close it, and a loop that has ended by then never does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")


class _Closable(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class Released(AbstractAsyncContextManager[C]):
    """Closes what it is given when the block is left, to the end, although the task may be cancelled meanwhile.

    httpcore would keep the connection for ever of a response whose closing was cut off.
    """

    def __init__(self, closable: C) -> None:
        self._closable = closable

    async def __aenter__(self) -> C:
        return self._closable

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(asyncio.ensure_future(self._closable.aclose()))


class ClosedPieces(Generic[T]):
    """Iterates as `pieces` do; `aclose` closes every async generator that began meanwhile, the outermost first."""

    def __init__(self, pieces: AsyncIterator[T]) -> None:
        self._pieces = pieces
        self._begun: list[AsyncGenerator[Any, Any]] = []

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[T]:
        return _Step(self._pieces, self._begun)

    async def aclose(self) -> None:
        """Close what is open; iterate no more."""
        for generator in self._begun:
            await generator.aclose()


class _Step(Generic[T]):
    """One step of an iteration, which notes the async generators that begin in it, and none of another task's."""

    def __init__(self, pieces: AsyncIterator[T], begun: list[AsyncGenerator[Any, Any]]) -> None:
        self._pieces = pieces
        self._begun = begun

    def __await__(self) -> Generator[Any, Any, T]:
        value: Any = None
        error: BaseException | None = None
        with _noting(self._begun):
            step = anext(self._pieces).__await__()
        while True:
            with _noting(self._begun):
                try:
                    awaited = step.send(value) if error is None else step.throw(error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
            try:
                value, error = (yield awaited), None
            except BaseException as raised:
                value, error = None, raised


@contextmanager
def _noting(begun: list[AsyncGenerator[Any, Any]]) -> Iterator[None]:
    """Note the async generators that begin in this thread until the end of the block, in which nothing is awaited."""
    loops = sys.get_asyncgen_hooks().firstiter

    def note(generator: AsyncGenerator[Any, Any]) -> None:
        begun.append(generator)
        if loops is not None:
            loops(generator)

    sys.set_asyncgen_hooks(firstiter=note)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(firstiter=loops)
