"""Conditions: what has to happen before a method runs, as a tree of names joined by `and_` and `or_`.

A name is that of a method, which happens when the method finishes, or a label, which happens when a router returns it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from harness.errors import UsageError


class Joined(Struct, frozen=True):
    """Several conditions, of which all or one must be met."""

    operator: Literal["and", "or"]
    parts: tuple[Condition, ...]


Condition: TypeAlias = "str | Joined"
#: What users write for a condition: a label, a method, or what `and_` and `or_` return.
Trigger: TypeAlias = str | enum.Enum | Callable[..., Any] | Joined


def and_(*triggers: Trigger) -> Joined:
    """Return the condition that all of `triggers` have happened; it starts anew each time it has been met.

    Raises:
        UsageError: there is none, or one is no method, label or condition.
    """
    return Joined("and", _parts("and_", triggers))


def or_(*triggers: Trigger) -> Joined:
    """Return the condition that one of `triggers` has happened.

    What listens to several fires for the first of them alone, until a cycle of the flow begins anew.

    Raises:
        UsageError: there is none, or one is no method, label or condition.
    """
    return Joined("or", _parts("or_", triggers))


def _parts(function: str, triggers: tuple[Trigger, ...]) -> tuple[Condition, ...]:
    if not triggers:
        raise UsageError(f"{function}() joins at least one method or label")
    return tuple(condition_of(trigger) for trigger in triggers)


def condition_of(trigger: Trigger) -> Condition:
    """Return what the user wrote as a condition.

    Raises:
        UsageError: it is no method, label or condition.
    """
    if isinstance(trigger, Joined):
        return trigger
    if isinstance(trigger, enum.Enum):
        return str(trigger.value)
    name = trigger if isinstance(trigger, str) else getattr(trigger, "__name__", None)
    if isinstance(name, str) and name:
        return name
    raise UsageError(
        f"a condition is a method of the flow, a label, and_(…) or or_(…), not {trigger!r} "
        f"of type {type(trigger).__name__}"
    )


def is_met(condition: Condition, happened: Collection[str]) -> bool:
    """Return whether `condition` holds once everything in `happened` has."""
    if isinstance(condition, str):
        return condition in happened
    combine = all if condition.operator == "and" else any
    return combine(is_met(part, happened) for part in condition.parts)


def names_in(condition: Condition) -> Iterator[str]:
    """Yield every method and label that `condition` speaks of, in the order written."""
    if isinstance(condition, str):
        yield condition
    else:
        for part in condition.parts:
            yield from names_in(part)


def fires_once(condition: Condition) -> bool:
    """Return whether what listens to `condition` runs for the first of its alternatives only."""
    return isinstance(condition, Joined) and condition.operator == "or" and len(condition.parts) > 1
