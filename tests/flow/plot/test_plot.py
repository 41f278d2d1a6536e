"""Claims about the picture of a flow: what its graph holds, where things stand, and that the page needs nothing else."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest

from harness.errors import UsageError
from harness.events import FlowPlotEvent
from harness.flow import Flow, and_, build_flow_structure, listen, or_, router, start, visualize_flow_structure
from harness.flow.plot.layout import NODE_HEIGHT, NODE_WIDTH, layout_of
from harness.flow.plot.structure import FlowEdge, FlowNode, FlowStructure
from tests.flow.graph.graphs import hearing


class Drawn(Flow):
    """A graph with everything in it."""

    @start()
    def gather(self) -> None:
        """Find <what> there is.

        And more.
        """

    @start("again")
    def widen(self) -> None: ...

    @listen(or_(gather, widen))
    def outline(self) -> None: ...

    @listen(and_(gather, or_(outline, "approved")))
    def draft(self) -> None: ...

    @router(draft)
    def review(self) -> Literal["again", "approved"]:
        return "approved"

    @listen("approved")
    def publish(self) -> None: ...


def test_the_structure_has_methods_labels_and_what_leads_where() -> None:
    structure = build_flow_structure(Drawn())
    assert structure == build_flow_structure(Drawn)
    assert [(node.name, node.kind, node.waits_for, node.description) for node in structure.nodes] == [
        ("gather", "start", "", "Find <what> there is."),
        ("widen", "start", "again", ""),
        ("outline", "listener", "gather or widen", ""),
        ("draft", "listener", "gather and (outline or approved)", ""),
        ("review", "router", "draft", ""),
        ("publish", "listener", "approved", ""),
        ("again", "label", "", ""),
        ("approved", "label", "", ""),
    ]
    edges = {(edge.source, edge.target): edge.joins for edge in structure.edges}
    assert edges == {
        ("review", "again"): "any",
        ("review", "approved"): "any",
        ("again", "widen"): "any",
        ("gather", "outline"): "any",
        ("widen", "outline"): "any",
        ("gather", "draft"): "all",
        ("outline", "draft"): "all",
        ("approved", "draft"): "all",
        ("draft", "review"): "any",
        ("approved", "publish"): "any",
    }
    assert (structure.start_methods, structure.router_methods) == (("gather", "widen"), ("review",))


def test_a_router_that_may_return_any_label_leads_to_all_that_are_listened_to() -> None:
    class Open(Flow):
        @start()
        @router()
        def begin(self) -> str:
            return "left"

        @listen("left")
        def turn(self) -> None: ...

        @listen("right")
        def go(self) -> None: ...

    edges = [(edge.source, edge.target) for edge in build_flow_structure(Open).edges]
    assert ("begin", "right") in edges
    assert ("right", "go") in edges


def test_no_two_nodes_overlap_and_what_comes_later_stands_lower_but_for_cycles() -> None:
    structure = build_flow_structure(Drawn)
    layout = layout_of(structure)
    at = {placed.node.name: placed for placed in layout.nodes}
    places = list(at.values())
    for number, one in enumerate(places):
        assert 0 <= one.x <= layout.width - NODE_WIDTH
        assert 0 <= one.y <= layout.height - NODE_HEIGHT
        for other in places[number + 1 :]:
            assert abs(one.x - other.x) >= NODE_WIDTH or abs(one.y - other.y) >= NODE_HEIGHT
    upward = {(drawn.edge.source, drawn.edge.target) for drawn in layout.edges if drawn.leads_back}
    assert upward == {(edge.source, edge.target) for edge in structure.edges if at[edge.source].y >= at[edge.target].y}
    # Two rounds lead back here: one by way of a start, one by way of a label.
    assert len(upward) == 2
    assert layout_of(structure) == layout


def _points(path: str) -> Iterator[tuple[float, float]]:
    """Yield points along an SVG path, close to one another; every piece of it is taken as a curve."""
    x = y = 0.0
    for command, numbers in re.findall(r"([MCVH])([-\d., ]+)", path):
        given = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        match command:
            case "C":
                bends, end = (given[:2], given[2:4]), given[4:]
            case "H" | "V":
                end = [given[0], y] if command == "H" else [x, given[0]]
                bends = ([x, y], end)
            case _:
                x, y = given
                continue
        for step in range(101):
            t = step / 100
            shares = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            corners = ([x, y], *bends, end)
            at = [sum(share * corner[axis] for share, corner in zip(shares, corners, strict=True)) for axis in (0, 1)]
            yield at[0], at[1]
        x, y = end


def _random_graph(number: int) -> FlowStructure:
    dice = random.Random(number)
    names = [f"n{at}" for at in range(dice.randrange(2, 14))]
    pairs = {(dice.choice(names), dice.choice(names)) for _ in range(dice.randrange(1, 24))}
    edges = tuple(FlowEdge(source, target) for source, target in sorted(pairs))
    return FlowStructure("Random", tuple(FlowNode(name, "listener") for name in names), edges, (names[0],))


@pytest.mark.parametrize("number", [None, *range(40)])
def test_no_edge_runs_behind_a_node_or_off_the_picture(number: int | None) -> None:
    layout = layout_of(build_flow_structure(Drawn) if number is None else _random_graph(number))
    for drawn in layout.edges:
        for x, y in _points(drawn.path):
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height
            behind = [
                placed.node.name
                for placed in layout.nodes
                if placed.x < x < placed.x + NODE_WIDTH and placed.y < y < placed.y + NODE_HEIGHT
            ]
            assert behind == [], (drawn, x, y)


class _Page(HTMLParser):
    """Collects what a page holds, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_plot_is_one_file_that_loads_nothing_and_is_told_of(tmp_path: Path) -> None:
    flow = Drawn(name="Report & <b>")
    with hearing(FlowPlotEvent, note=lambda event: event.flow_name) as told:
        path = flow.plot(str(tmp_path / "deep" / "report"), show=False)
    assert told == ["Report & <b>"]
    assert path == str(tmp_path / "deep" / "report.html")
    written = Path(path).read_text(encoding="utf-8")
    page = _Page()
    page.feed(written)
    assert page.links == []
    assert not {"script", "link", "img", "b", "iframe"} & set(page.tags)
    assert re.findall(r"url\(([^)]*)\)", written) == ["#tip"]
    for words in (
        "gather",
        "outline",
        "approved",
        "Find <what> there is.",
        "Report & <b>",
        "6 methods, 2 starts, 1 router",
    ):
        assert words in page.text
    assert page.tags.count("rect") == 8


def test_a_flow_with_a_step_of_that_name_is_told_of_by_its_class(tmp_path: Path) -> None:
    class Asked(Flow):
        @start()
        def name(self) -> str:  # type: ignore[override]
            return "Ann"

    with hearing(FlowPlotEvent, note=lambda event: event.flow_name) as told:
        Asked().plot(str(tmp_path / "asked.html"), show=False)
    assert told == [build_flow_structure(Asked()).name] == ["Asked"]
    assert "bound method" not in (tmp_path / "asked.html").read_text()


def test_a_page_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(UsageError, match="the picture of Drawn can't be written to"):
        visualize_flow_structure(build_flow_structure(Drawn), str(blocked / "flow.html"))


def test_it_is_shown_in_a_browser_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    path = Drawn().plot(str(tmp_path / "flow.html"))
    assert shown == [Path(path).as_uri()]
