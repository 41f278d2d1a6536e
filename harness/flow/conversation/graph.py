"""The graph that a conversational flow has by itself, around the handlers that its class adds.

`route_conversation` comes after the starts of the class, which run one after the other. Its route is the label that a
handler listens to: one of the class, or a built-in one, which makes way for a handler of the class with the same label.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import structs

from harness.flow.graph.conditions import names_in
from harness.flow.graph.decorators import Role

CONVERSE: Final = "converse"
END: Final = "end"
FROM_HISTORY: Final = "answer_from_history"
ROUTER: Final = "route_conversation"
_START: Final = "conversation_start"
#: The built-in handlers, and the labels that they listen to.
HANDLERS: Final[Mapping[str, str]] = MappingProxyType(
    {"converse_turn": CONVERSE, "end_conversation": END, "answer_from_history_turn": FROM_HISTORY}
)


def with_built_in(roles: Mapping[str, Role], *, has_start: bool) -> dict[str, Role]:
    """Return the roles of a conversational class's methods together with those of the built-in ones.

    `roles` are those that decorators gave. With `has_start` the class has a `conversation_start` of its own, which comes
    first.
    """
    complete = {_START: Role(is_start=True), **roles} if has_start else dict(roles)
    before: str | None = None
    for name, role in list(complete.items()):
        if role.is_start and role.starts_on is None and name != ROUTER:
            complete[name] = role if before is None else structs.replace(role, starts_on=before)
            before = name
    routes = Role(is_router=True, is_start=before is None, listens_to=before)
    complete[ROUTER] = _unless_triggered(complete.get(ROUTER), routes)
    handled = {
        label
        for name, role in roles.items()
        if name not in HANDLERS and role.listens_to is not None
        for label in names_in(role.listens_to)
    }
    for name, label in HANDLERS.items():
        if name in roles or label not in handled:
            complete[name] = _unless_triggered(roles.get(name), Role(listens_to=label))
    return complete


def _unless_triggered(own: Role | None, built_in: Role) -> Role:
    """Return the role that the class gave, or, where that says of no trigger, the built-in one with its hooks."""
    if own is None:
        return built_in
    if own.is_start or own.listens_to is not None:
        return own
    return structs.replace(built_in, hooks=own.hooks)
