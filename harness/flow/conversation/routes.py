"""The routes that a turn can take, and what each is for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from harness.errors import UsageError
from harness.flow.conversation.config import ConversationConfig, RouterConfig
from harness.flow.conversation.graph import CONVERSE, END, FROM_HISTORY, HANDLERS, ROUTER
from harness.flow.graph.conditions import names_in
from harness.flow.graph.definition import FlowGraph

BUILT_IN: Final = MappingProxyType(
    {
        CONVERSE: "Everything that a chat answers by itself: small talk, follow-ups, summaries of what has been said.",
        END: "The user says goodbye, or that the conversation is over.",
        FROM_HISTORY: "What has been said already holds the answer.",
    }
)


def _handlers_of(definition: FlowGraph) -> dict[str, str]:
    """Return the labels that handlers of a flow's class listen to, each with the first one that does.

    What is no route is left out: names of methods, and labels that are known to be another router's.
    """
    labels = {*definition.methods}
    for method in definition.methods.values():
        if method.role.is_router and method.name != ROUTER:
            labels.update(method.labels or ())
    handlers: dict[str, str] = {}
    for method in definition.methods.values():
        condition = method.role.listens_to
        if condition is None or method.role.is_router or HANDLERS.get(method.name) == condition:
            continue
        for label in names_in(condition):
            if label not in labels:
                handlers.setdefault(label, method.name)
    return handlers


def custom_routes(definition: FlowGraph) -> list[str]:
    """Return the labels that only handlers of the class listen to, in the order of the handlers."""
    return [label for label in _handlers_of(definition) if label not in BUILT_IN]


def catalogue(flow: Any, router: RouterConfig | None) -> dict[str, str]:
    """Return the routes that a router may choose, the class's own first, each with what it is for."""
    definition: FlowGraph = flow._flow_graph
    own = list(router.routes or ()) if router is not None else []
    descriptions = (router.route_descriptions if router is not None else None) or {}
    handlers = _handlers_of(definition)
    found: dict[str, str] = {}
    for label in dict.fromkeys([*(own or custom_routes(definition)), CONVERSE, END]):
        described = descriptions.get(label) or (None if label in handlers else BUILT_IN.get(label))
        found[label] = (
            described or _first_line(getattr(type(flow), handlers.get(label, ""), None)) or BUILT_IN.get(label, "")
        )
    return found


def _first_line(handler: Any) -> str:
    lines = (getattr(handler, "__doc__", None) or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def check_routes(owner: str, definition: FlowGraph, config: ConversationConfig | None) -> None:
    """Refuse a router's labels that nothing listens to.

    Raises:
        UsageError: the message names the label, and those that there are.
    """
    router = config.router if config is not None else None
    if router is None:
        return
    known = {*_handlers_of(definition), *BUILT_IN}
    named = {
        "routes": tuple(router.routes or ()),
        "route_descriptions": tuple(router.route_descriptions or ()),
        "default_intent": (router.default_intent,),
        "fallback_intent": (router.fallback_intent,),
    }
    for option, labels in named.items():
        for label in labels:
            if label is not None and label not in known:
                raise UsageError(
                    f"the router of {owner} has {label!r} as {option}, but no handler listens to that; there are "
                    f"{', '.join(sorted(known))}"
                )
