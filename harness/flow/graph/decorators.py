"""The decorators that make a method part of a flow's graph. They leave the function as it is and note its role on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from msgspec import Struct, structs

from harness.errors import UsageError
from harness.flow.graph.conditions import Condition, Trigger, condition_of
from harness.flow.graph.labels import several

F = TypeVar("F", bound=Callable[..., Any])
_ROLE: Final = "__flow_role__"


class Role(Struct, frozen=True):
    """What the decorators on a function say, together."""

    is_start: bool = False
    #: What sets a start going again, or instead of the kickoff; None for one that only the kickoff does.
    starts_on: Condition | None = None
    listens_to: Condition | None = None
    #: Another condition that an inner decorator had said, and which does not hold.
    lost: Condition | None = None
    is_router: bool = False
    #: The labels that a router is said to return; None where nothing is said.
    emits: tuple[str, ...] | None = None
    #: What takes part in its calls, the innermost first; see `harness.flow.engine.hooks`.
    hooks: tuple[object, ...] = ()


def start(condition: Trigger | None = None) -> Callable[[F], F]:
    """Return a decorator: the method runs at kickoff, side by side with the other starts.

    With a condition it runs when that is met; at kickoff only where no start is without one.

    Raises:
        UsageError: `condition` is no method, label or condition.
    """
    _refuse_undecorated(start, condition)
    return _marked(is_start=True, starts_on=None if condition is None else condition_of(condition))


def listen(condition: Trigger) -> Callable[[F], F]:
    """Return a decorator: the method runs each time `condition` is met, with what triggered it if it takes a parameter.

    Raises:
        UsageError: `condition` is no method, label or condition.
    """
    _refuse_undecorated(listen, condition)
    return _marked(listens_to=condition_of(condition))


def router(condition: Trigger | None = None, *, emit: Iterable[str] | str | None = None) -> Callable[[F], F]:
    """Return a decorator: as `listen`, and what the method returns is a label that others listen to.

    A label is a string or the value of an enum member; None sets nothing going. `emit` names the labels beforehand; a
    return annotation of Literals or an Enum does so too. Without a condition it turns a start or a listener into a router.

    Raises:
        UsageError: `condition` is no method, label or condition.
    """
    _refuse_undecorated(router, condition)
    changes: dict[str, Any] = {"is_router": True}
    if condition is not None:
        changes["listens_to"] = condition_of(condition)
    if emit is not None:
        changes["emits"] = tuple(str(condition_of(label)) for label in several(emit))
    return _marked(**changes)


def role_of(value: object) -> Role | None:
    """Return the role that decorators gave to a class attribute; None for one that is no method of the graph."""
    # A static or a class method is decorated itself, or is made of what was.
    role = getattr(value, _ROLE, None) or getattr(getattr(value, "__func__", None), _ROLE, None)
    return role if isinstance(role, Role) else None


def add_to_role(function: Callable[..., Any], **changes: Any) -> None:
    """Note `changes` of a method's role on its function."""
    setattr(function, _ROLE, structs.replace(role_of(function) or Role(), **changes))


def _marked(**changes: Any) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        role = role_of(function)
        lost = None if role is None else role.listens_to
        if lost not in (None, changes.get("listens_to", lost)):
            changes["lost"] = lost
        add_to_role(function, **changes)
        return function

    return decorate


def refuse_bare(decorator: Callable[..., Any], given: object, otherwise: str = "") -> None:
    """Refuse a decorator without parentheses, which would take what it decorates for its first argument, and lose it."""
    if callable(given):
        name, kind = decorator.__name__, "class" if isinstance(given, type) else "function"
        raise UsageError(
            f"{name}() was given the {kind} {getattr(given, '__name__', given)!r}: write @{name}() with "
            f"parentheses{otherwise}"
        )


def _refuse_undecorated(decorator: Callable[..., Any], condition: Trigger | None) -> None:
    # A method of the graph is a condition too, but one that has a role already.
    if role_of(condition) is None:
        refuse_bare(decorator, condition, ", or decorate the function first")
