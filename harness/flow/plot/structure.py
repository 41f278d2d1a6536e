"""The graph of a flow as nodes and edges, for whoever draws it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

from harness.flow.graph.conditions import Condition, Joined, names_in
from harness.flow.graph.definition import FlowGraph, FlowMethod, graph_of

logger = logging.getLogger("harness")


@dataclass(frozen=True, slots=True)
class FlowNode:
    """A method, or a label that a router returns."""

    name: str
    kind: Literal["start", "listener", "router", "label"]
    #: What it waits for, in words; empty for a start without a condition and for a label.
    waits_for: str = ""
    #: The first line of the method's docstring.
    description: str = ""


@dataclass(frozen=True, slots=True)
class FlowEdge:
    """From what happens to what it sets going; `joins` says whether all that leads there must have happened."""

    source: str
    target: str
    joins: Literal["all", "any"] = "any"


@dataclass(frozen=True, slots=True)
class FlowStructure:
    """The whole graph, methods in the order of their definition and labels after them."""

    name: str
    nodes: tuple[FlowNode, ...]
    edges: tuple[FlowEdge, ...]
    start_methods: tuple[str, ...] = ()
    router_methods: tuple[str, ...] = ()


def build_flow_structure(flow: Any) -> FlowStructure:
    """Return the graph of a flow, or of a flow class.

    A label that a router is known to return has a node of its own between the router and those that listen to it. Where
    labels can't be told beforehand, those that are listened to are taken to come from every such router.
    """
    cls = flow if isinstance(flow, type) else type(flow)
    definition = graph_of(cls)
    routers = [method for method in definition.methods.values() if method.role.is_router]
    labels = list(dict.fromkeys(label for router in routers for label in router.labels or ()))
    open_routers = [router for router in routers if router.labels is None]
    for name in sorted(definition.awaited - definition.methods.keys() - set(labels)):
        if not open_routers:
            logger.warning("%s: a method waits for %r, and nothing answers to it", cls.__name__, name)
        labels.append(name)
    nodes = [
        *(_node(cls, method) for method in definition.methods.values()),
        *(FlowNode(label, "label") for label in labels if label not in definition.methods),
    ]
    edges = [
        FlowEdge(router.name, label)
        for router in routers
        for label in (labels if router.labels is None else router.labels)
        if label not in definition.methods
    ]
    return FlowStructure(
        name=cls.__name__ if isinstance(flow, type) else flow._flow_name,
        nodes=tuple(nodes),
        edges=tuple(dict.fromkeys([*edges, *_edges_of_conditions(definition)])),
        start_methods=tuple(method.name for method in definition.methods.values() if method.role.is_start),
        router_methods=tuple(router.name for router in routers),
    )


def _node(cls: type, method: FlowMethod) -> FlowNode:
    role = method.role
    kind: Literal["start", "listener", "router"] = (
        "router" if role.is_router else "start" if role.is_start else "listener"
    )
    conditions = [condition for condition in (role.starts_on, role.listens_to) if condition is not None]
    lines = (getattr(cls, method.name).__doc__ or "").strip().splitlines()
    return FlowNode(method.name, kind, " or ".join(map(_words, conditions)), lines[0] if lines else "")


def _words(condition: Condition, *, inside: bool = False) -> str:
    if isinstance(condition, str):
        return condition
    text = f" {condition.operator} ".join(_words(part, inside=True) for part in condition.parts)
    return f"({text})" if inside else text


def _edges_of_conditions(definition: FlowGraph) -> list[FlowEdge]:
    edges = []
    for method in definition.methods.values():
        for condition in (method.role.starts_on, method.role.listens_to):
            if condition is not None:
                joins: Literal["all", "any"] = "all" if _joins_all(condition) else "any"
                edges += [FlowEdge(name, method.name, joins) for name in dict.fromkeys(names_in(condition))]
    return edges


def _joins_all(condition: Condition) -> bool:
    return isinstance(condition, Joined) and condition.operator == "and" and len(condition.parts) > 1
