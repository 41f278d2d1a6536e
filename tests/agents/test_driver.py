"""Claims about bodies that work side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from harness.agents.driver import LoopDriver


@pytest.mark.parametrize("turns", range(8))
def test_a_body_that_fails_before_another_has_begun_is_what_they_fail_with(turns: int) -> None:
    async def fail(begun: Callable[[], None]) -> None:
        begun()
        for _ in range(turns):
            await asyncio.sleep(0)
        raise LookupError("no such thing")

    async def wait(begun: Callable[[], None]) -> None:
        begun()
        await asyncio.Event().wait()

    async def run() -> None:
        # Whoever waits for a body that never begins waits for ever.
        async with asyncio.timeout(10.0):
            await LoopDriver().side_by_side([fail, wait, wait, wait])

    with pytest.raises(LookupError, match="no such thing"):
        asyncio.run(run())
