"""Async generators that a client's iterators began are closed when they are left, and not by the garbage collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.providers.shared.generators import ClosedPieces, Released


def chain(closed: list[str], *names: str) -> AsyncIterator[int]:
    """Return generators that iterate over one another, each noting that it is closed; the first is the outermost."""
    name, *inner = names

    async def numbers() -> AsyncIterator[int]:
        try:
            if inner:
                async for number in chain(closed, *inner):
                    yield number
            else:
                for number in range(3):
                    await asyncio.sleep(0)
                    yield number
        finally:
            closed.append(name)

    return numbers()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_leaving_the_outermost_closes_every_one_of_them_at_once(taken: int) -> None:
    closed: list[str] = []

    async def left() -> list[int]:
        pieces = ClosedPieces(chain(closed, "outer", "middle", "inner"))
        numbers = [await anext(pieces) for _ in range(taken)]
        await pieces.aclose()
        # Nothing has been awaited since that would let the loop close one.
        assert closed == (["outer", "middle", "inner"] if taken else [])
        return numbers

    assert asyncio.run(left()) == list(range(taken))


def test_generators_that_another_task_begins_meanwhile_are_left_alone() -> None:
    closed: list[str] = []

    async def both() -> int:
        others = chain(closed, "other")
        pieces = ClosedPieces(chain(closed, "mine"))
        await asyncio.gather(anext(pieces), anext(others))
        await pieces.aclose()
        assert closed == ["mine"]
        return await anext(others)

    assert asyncio.run(both()) == 1


def test_what_ends_the_iteration_or_fails_in_it_is_as_it_was() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no")

    async def read() -> None:
        pieces = ClosedPieces(failing())
        assert await anext(pieces) == 1
        with pytest.raises(ValueError, match="no"):
            await anext(pieces)
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)

    asyncio.run(read())


def test_what_is_left_is_closed_to_its_end_though_the_task_is_cancelled_meanwhile() -> None:
    closing, closed = asyncio.Event(), asyncio.Event()

    class Response:
        async def aclose(self) -> None:
            closing.set()
            await asyncio.sleep(0)
            closed.set()

    async def leave() -> None:
        async with Released(Response()):
            pass

    async def cancelled() -> None:
        leaving = asyncio.create_task(leave())
        await closing.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await closed.wait()

    asyncio.run(asyncio.wait_for(cancelled(), 10))
