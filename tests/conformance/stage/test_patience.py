"""Claims about the suite's patience: it is counted in turns that the process had, not by the clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from conformance.stage.patience import PIECE_S, comes_true, ends, unended

TURNS = round(2.0 / PIECE_S)


def happening_at(turn: int) -> tuple[Callable[[float], bool], list[float]]:
    """Return something that happens in a turn, however long each is, and the waits that there were for it."""
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == turn

    return wait, waits


@pytest.mark.parametrize(
    ("turn", "comes", "turns"), [(1, True, 1), (TURNS, True, TURNS), (TURNS + 1, False, TURNS)], ids=str
)
def test_what_happens_within_as_many_turns_is_in_time_however_late_it_is(turn: int, comes: bool, turns: int) -> None:
    wait, waits = happening_at(turn)
    assert comes_true(wait, 2.0) is comes
    assert waits == [PIECE_S] * turns


def test_a_thread_that_goes_on_does_not_end() -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, daemon=True)
    thread.start()
    assert ends(thread, 2 * PIECE_S) is False
    go_on.set()
    assert ends(thread, 10.0) is True


class HurriedLoop(asyncio.SelectorEventLoop):
    """One whose clock has run on by a minute whenever it is looked at, as that of a process that hardly gets a turn."""

    _now = 0.0

    def time(self) -> float:
        self._now += 60.0
        return self._now


@pytest.mark.parametrize(("turns", "left"), [(TURNS // 2, False), (10 * TURNS, True)], ids=["in time", "goes on"])
def test_a_task_that_ends_within_so_many_turns_is_in_time_whatever_the_clock_says(turns: int, left: bool) -> None:
    async def go_on() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def watch() -> bool:
        return bool(await unended({asyncio.create_task(go_on())}, 2.0))

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        assert runner.run(watch()) is left
