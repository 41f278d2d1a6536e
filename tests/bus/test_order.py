"""Handlers that depend on others begin when those have ended, sync and async, for emit, aemit and replay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from harness.bus import CircularDependencyError, Depends, event_bus
from harness.errors import UsageError
from harness.events import BaseEvent

TIMEOUT_S = 10.0
Way = Literal["emit", "aemit", "replay"]
WAYS: tuple[Way, ...] = ("emit", "aemit", "replay")


class Tide(BaseEvent):
    type: str = "tide"


class SpringTide(Tide):
    type: str = "spring_tide"


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    with event_bus.scoped_handlers():
        yield


def published(way: Way, event: BaseEvent) -> None:
    """Publish an event, and wait for all of its handlers."""
    if way == "aemit":
        asyncio.run(event_bus.aemit(None, event))
        return
    future = event_bus.emit(None, event) if way == "emit" else event_bus.replay(None, event)
    assert future is not None
    future.result(TIMEOUT_S)


def handlers(heard: list[str], kinds: dict[str, str]) -> dict[str, Callable[..., Any]]:
    """Return a handler for each name: sync, async, or one that fails."""

    def made(name: str, kind: str) -> Callable[..., Any]:
        async def waits(_source: Any, _event: BaseEvent) -> None:
            await asyncio.sleep(0)
            heard.append(name)

        def sync(_source: Any, _event: BaseEvent) -> None:
            heard.append(name)
            if kind == "fails":
                raise ValueError(name)

        return waits if kind == "async" else sync

    return {name: made(name, kind) for name, kind in kinds.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", ["sync", "async", "fails"])
@pytest.mark.parametrize("second", ["sync", "async"])
@pytest.mark.parametrize("third", ["sync", "async"])
def test_a_handler_begins_when_those_that_it_depends_on_have_ended(
    first: str, second: str, third: str, way: Way
) -> None:
    heard: list[str] = []
    made = handlers(heard, {"third": third, "second": second, "first": first})
    event_bus.on(Tide, depends_on=[Depends(made["second"])])(made["third"])
    event_bus.register_handler(Tide, made["second"], [Depends(made["first"])])
    event_bus.on(Tide)(made["first"])
    event_bus.validate_dependencies()
    published(way, Tide())
    assert heard == ["first", "second", "third"]


def test_those_that_depend_on_nothing_keep_their_order() -> None:
    heard: list[str] = []
    made = handlers(heard, dict.fromkeys("abcd", "sync"))
    event_bus.on(Tide, depends_on=Depends(made["c"]))(made["a"])
    for name in "bcd":
        event_bus.on(Tide)(made[name])
    published("emit", Tide())
    assert heard == ["b", "c", "d", "a"]


def test_a_dependency_holds_for_classes_below_and_says_nothing_where_the_other_hears_nothing() -> None:
    heard: list[str] = []
    made = handlers(heard, dict.fromkeys("ab", "sync"))
    event_bus.on(Tide, depends_on=[Depends(made["b"])])(made["a"])
    event_bus.on(SpringTide)(made["b"])
    published("emit", SpringTide())
    published("emit", Tide())
    assert heard == ["b", "a", "a"]


def test_a_dependency_says_nothing_for_other_classes_of_the_same_handler() -> None:
    heard: list[str] = []
    made = handlers(heard, dict.fromkeys("ab", "sync"))
    event_bus.on(SpringTide, depends_on=[Depends(made["b"])])(made["a"])
    for name in "ab":
        event_bus.on(Tide)(made[name])
    published("emit", Tide())
    assert heard == ["a", "b"]


def test_taken_off_a_handler_depends_on_nothing_any_more() -> None:
    heard: list[str] = []
    made = handlers(heard, dict.fromkeys("ab", "sync"))
    event_bus.on(Tide, depends_on=[Depends(made["b"])])(made["a"])
    event_bus.off(Tide, made["a"])
    event_bus.on(Tide)(made["a"])
    event_bus.on(Tide)(made["b"])
    published("emit", Tide())
    assert heard == ["a", "b"]


def test_a_circle_is_found_when_asked_for_and_called_in_order_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    made = handlers(heard, dict.fromkeys("abc", "sync"))
    for name, on in zip("abc", "bca", strict=True):
        event_bus.on(Tide, depends_on=[Depends(made[on])])(made[name])
    with pytest.raises(
        CircularDependencyError, match="handlers of Tide depend on each other: .* → .*; take one"
    ) as raised:
        event_bus.validate_dependencies()
    assert set(raised.value.handlers) == set(made.values())
    published("emit", Tide())
    assert heard == ["a", "b", "c"]
    assert "depend on each other" in caplog.text


@pytest.mark.parametrize("wrong", [[print], print, "print"])
def test_what_is_no_dependency_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"depends_on holds .*; expected Depends\(handler\)"):
        event_bus.on(Tide, depends_on=wrong)(print)
