"""Where each node of a graph stands: in rows by its distance from the starts, in an order in which few edges cross."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from harness.flow.plot.structure import FlowEdge, FlowNode, FlowStructure

NODE_WIDTH: Final = 190
NODE_HEIGHT: Final = 58
_GAP_X: Final = 48
_GAP_Y: Final = 78
_MARGIN: Final = 48
#: How often rows are put in order by what stands above them, and below.
_SWEEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Placed:
    """A node, and its upper left corner."""

    node: FlowNode
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edge, as an SVG path; one that leads back up goes around the right."""

    edge: FlowEdge
    path: str
    leads_back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture, in pixels."""

    nodes: tuple[Placed, ...]
    edges: tuple[Drawn, ...]
    width: float
    height: float


def layout_of(structure: FlowStructure) -> Layout:
    """Return where everything stands. The same graph has the same picture."""
    depth = _depths(structure)
    rows = _ordered(structure, depth)
    width = max((len(row) for row in rows), default=1) * (NODE_WIDTH + _GAP_X) - _GAP_X
    places: dict[str, Placed] = {}
    nodes = {node.name: node for node in structure.nodes}
    for level, row in enumerate(rows):
        left = (width - (len(row) * (NODE_WIDTH + _GAP_X) - _GAP_X)) / 2 + _MARGIN
        for column, name in enumerate(row):
            x, y = left + column * (NODE_WIDTH + _GAP_X), _MARGIN + level * (NODE_HEIGHT + _GAP_Y)
            places[name] = Placed(nodes[name], x, y)
    back = [edge for edge in structure.edges if depth[edge.source] >= depth[edge.target]]
    drawn = []
    for edge in structure.edges:
        lane = back.index(edge) if edge in back else None
        drawn.append(_drawn(edge, places, width + _MARGIN, lane))
    return Layout(
        tuple(places[node.name] for node in structure.nodes),
        tuple(drawn),
        width + 2 * _MARGIN + 18 * len(back),
        len(rows) * (NODE_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN,
    )


def _depths(structure: FlowStructure) -> dict[str, int]:
    """Return the row of each node: one below the lowest of what leads to it, leaving out the edges that close a cycle."""
    leads_to: dict[str, list[str]] = {node.name: [] for node in structure.nodes}
    for edge in structure.edges:
        leads_to[edge.source].append(edge.target)
    order, forward = _walk(leads_to, [*structure.start_methods, *leads_to])
    depth = dict.fromkeys(leads_to, 0)
    for name in order:
        for target in leads_to[name]:
            if (name, target) in forward:
                depth[target] = max(depth[target], depth[name] + 1)
    return depth


def _walk(leads_to: dict[str, list[str]], roots: list[str]) -> tuple[list[str], set[tuple[str, str]]]:
    """Return the nodes so that each comes before what it leads to, and the edges that do not close a cycle."""
    finished: list[str] = []
    state: dict[str, str] = {}
    forward: set[tuple[str, str]] = set()
    for root in roots:
        if root in state:
            continue
        state[root] = "open"
        stack = [(root, deque(leads_to[root]))]
        while stack:
            name, left = stack[-1]
            if not left:
                state[name] = "done"
                finished.append(name)
                stack.pop()
                continue
            target = left.popleft()
            if state.get(target) == "open":
                continue
            forward.add((name, target))
            if target not in state:
                state[target] = "open"
                stack.append((target, deque(leads_to[target])))
    return finished[::-1], forward


def _ordered(structure: FlowStructure, depth: dict[str, int]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in structure.nodes:
        rows[depth[node.name]].append(node.name)
    above: dict[str, list[str]] = {name: [] for name in depth}
    below: dict[str, list[str]] = {name: [] for name in depth}
    for edge in structure.edges:
        if depth[edge.source] < depth[edge.target]:
            above[edge.target].append(edge.source)
            below[edge.source].append(edge.target)
    for sweep in range(_SWEEPS):
        neighbours, levels = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        at = {name: column - len(row) / 2 for row in rows for column, name in enumerate(row)}
        for row in levels:
            middle = {
                name: sum(at[other] for other in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else at[name]
                for name in row
            }
            row.sort(key=middle.__getitem__)
            at.update({name: column - len(row) / 2 for column, name in enumerate(row)})
    return rows


def _drawn(edge: FlowEdge, places: dict[str, Placed], right: float, lane: int | None) -> Drawn:
    source, target = places[edge.source], places[edge.target]
    if lane is None:
        x1, y1 = source.x + NODE_WIDTH / 2, source.y + NODE_HEIGHT
        x2, y2 = target.x + NODE_WIDTH / 2, target.y - 7
        bend = max(24.0, (y2 - y1) / 2)
        return Drawn(edge, f"M{x1:g},{y1:g} C{x1:g},{y1 + bend:g} {x2:g},{y2 - bend:g} {x2:g},{y2:g}", leads_back=False)
    x1, y1 = source.x + NODE_WIDTH, source.y + NODE_HEIGHT / 2
    x2, y2 = target.x + NODE_WIDTH + 7, target.y + NODE_HEIGHT / 2
    out = right + 18 * (lane + 1)
    return Drawn(edge, f"M{x1:g},{y1:g} C{out:g},{y1:g} {out:g},{y2:g} {x2:g},{y2:g}", leads_back=True)
