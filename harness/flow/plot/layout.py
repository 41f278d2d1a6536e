"""Where each node of a graph stands: in rows by its distance from the starts, in an order in which few edges cross.

No edge runs behind a node: one that passes rows has a place of its own in each of them, and one that leads back up goes
between the rows to the right of all of them, and back between rows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from harness.flow.plot.structure import FlowEdge, FlowNode, FlowStructure

NODE_WIDTH: Final = 190
NODE_HEIGHT: Final = 58
_GAP_X: Final = 48
_GAP_Y: Final = 78
_MARGIN: Final = 48
#: How much room an edge has in a row that it passes.
_PASSAGE: Final = 18
#: How far edges that lead back run from one another.
_LANE: Final = 18
#: How far below a row, and above one, they run at least; and how far from the middle of a node they leave and meet it.
_CLEAR: Final = 16
_ASIDE: Final = 60
#: How often rows are put in order by what stands above them, and below.
_SWEEPS: Final = 6
#: What stands in a row: a node, by its name, or an edge on its way, by its number and the row.
_Standing = str | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A node, and its upper left corner."""

    node: FlowNode
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """An edge, as an SVG path of the commands M, C, V and H; one that leads back up goes around the right."""

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
    width = max(map(_width, rows), default=NODE_WIDTH)
    places: dict[str, Placed] = {}
    passages: dict[tuple[int, int], float] = {}
    nodes = {node.name: node for node in structure.nodes}
    for level, row in enumerate(rows):
        x = (width - _width(row)) / 2 + _MARGIN
        for standing in row:
            if isinstance(standing, str):
                places[standing] = Placed(nodes[standing], x, _top(level))
            else:
                passages[standing] = x + _PASSAGE / 2
            x += _room(standing) + _GAP_X
    drawn = []
    lanes = 0
    for number, edge in enumerate(structure.edges):
        if depth[edge.source] < depth[edge.target]:
            between = [(passages[number, level], _top(level)) for level in _passed(edge, depth)]
            drawn.append(Drawn(edge, _downward(places[edge.source], between, places[edge.target]), leads_back=False))
        else:
            path = _upward(places[edge.source], places[edge.target], width + _MARGIN, lanes)
            drawn.append(Drawn(edge, path, leads_back=True))
            lanes += 1
    return Layout(
        tuple(places[node.name] for node in structure.nodes),
        tuple(drawn),
        width + 2 * _MARGIN + _LANE * lanes,
        _top(len(rows)) - _GAP_Y + _MARGIN,
    )


def _top(level: int) -> float:
    return float(_MARGIN + level * (NODE_HEIGHT + _GAP_Y))


def _room(standing: _Standing) -> int:
    return NODE_WIDTH if isinstance(standing, str) else _PASSAGE


def _width(row: list[_Standing]) -> int:
    return sum(_room(standing) + _GAP_X for standing in row) - _GAP_X


def _passed(edge: FlowEdge, depth: dict[str, int]) -> range:
    """Return the rows between the ends of an edge."""
    return range(depth[edge.source] + 1, depth[edge.target])


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


def _ordered(structure: FlowStructure, depth: dict[str, int]) -> list[list[_Standing]]:
    rows: list[list[_Standing]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in structure.nodes:
        rows[depth[node.name]].append(node.name)
    above: dict[_Standing, list[_Standing]] = {name: [] for name in depth}
    below: dict[_Standing, list[_Standing]] = {name: [] for name in depth}
    for number, edge in enumerate(structure.edges):
        if depth[edge.source] < depth[edge.target]:
            levels = _passed(edge, depth)
            way: list[_Standing] = [edge.source, *((number, level) for level in levels), edge.target]
            for level in levels:
                rows[level].append((number, level))
            for upper, lower in pairwise(way):
                above.setdefault(lower, []).append(upper)
                below.setdefault(upper, []).append(lower)
    for sweep in range(_SWEEPS):
        neighbours, swept = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        at = {standing: column - len(row) / 2 for row in rows for column, standing in enumerate(row)}
        for row in swept:
            middle = {
                standing: sum(at[neighbour] for neighbour in beside) / len(beside)
                if (beside := neighbours.get(standing))
                else at[standing]
                for standing in row
            }
            row.sort(key=middle.__getitem__)
            at.update({standing: column - len(row) / 2 for column, standing in enumerate(row)})
    return rows


def _downward(source: Placed, between: list[tuple[float, float]], target: Placed) -> str:
    """Return a path that bends in the gaps between rows, and runs straight down through each row that it passes."""
    x, y = source.x + NODE_WIDTH / 2, source.y + NODE_HEIGHT
    path = f"M{x:g},{y:g}"
    for passage, top in between:
        path += f"{_bent(x, y, passage, top)} V{top + NODE_HEIGHT:g}"
        x, y = passage, top + NODE_HEIGHT
    return path + _bent(x, y, target.x + NODE_WIDTH / 2, target.y - 7)


def _bent(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (y1 + y2) / 2
    return f" C{x1:g},{middle:g} {x2:g},{middle:g} {x2:g},{y2:g}"


def _upward(source: Placed, target: Placed, right: float, lane: int) -> str:
    """Return a path below the row of the source, up to the right of all rows, and down to the target from above its row."""
    # Those that share a gap keep apart, as far as there is room.
    apart = _CLEAR + lane % 4 * 6
    x1, y1 = source.x + NODE_WIDTH / 2 + _ASIDE, source.y + NODE_HEIGHT
    x2, y2 = target.x + NODE_WIDTH / 2 + _ASIDE, target.y - 7
    out = right + _LANE * (lane + 1)
    return f"M{x1:g},{y1:g} V{y1 + apart:g} H{out:g} V{target.y - apart - 7:g} H{x2:g} V{y2:g}"
