"""Claims about with-blocks: what stands in their `finally` is done, and what their body raises is not touched."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from harness.blocks import block
from tests.test_frozen_errors import FrozenError


@pytest.mark.parametrize(
    "error", [None, ValueError("told"), FrozenError(1), StopIteration(2), GeneratorExit()], ids=repr
)
def test_a_block_ends_and_lets_its_error_pass(error: BaseException | None) -> None:
    done: list[str] = []

    @block
    def noted(name: str) -> Generator[str]:
        done.append(f"{name} began")
        try:
            yield name.upper()
        finally:
            done.append(f"{name} ended")

    def work() -> None:
        with noted("a") as given:
            done.append(given)
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)) as raised:
            work()
        assert raised.value is error
    assert done == ["a began", "A", "a ended"]


def test_a_block_can_be_used_again_and_as_a_decorator() -> None:
    done: list[str] = []

    @block
    def noted(name: str) -> Generator[None]:
        try:
            yield
        finally:
            done.append(name)

    @noted("decorated")
    def work() -> str:
        return "worked"

    twice = noted("twice")
    for _ in range(2):
        with twice:
            pass
    assert (work(), work(), done) == ("worked", "worked", ["twice", "twice", "decorated", "decorated"])


def test_a_block_that_is_refused_at_its_beginning_does_not_begin() -> None:
    @block
    def refused(reason: str) -> Generator[None]:
        if reason:
            raise LookupError(reason)
        yield

    with pytest.raises(LookupError), refused("no"):
        pytest.fail("it began")
