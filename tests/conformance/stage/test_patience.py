"""Claims about the suite's patience: it is counted in turns that the process had, not by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from conformance.stage.patience import PIECE_S, comes_true, ends

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
