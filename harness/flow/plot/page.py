"""The page that shows the graph of a flow: one file that needs nothing else, no script, and no network."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from harness.bus import bus
from harness.errors import UsageError
from harness.events import FlowPlotEvent
from harness.flow.plot.layout import NODE_HEIGHT, NODE_WIDTH, layout_of
from harness.flow.plot.structure import FlowStructure, build_flow_structure

_KINDS: Final = (
    ("start", "start"),
    ("listener", "listener"),
    ("router", "router"),
    ("label", "label that a router returns"),
)


def plot_flow(flow: Any, filename: str = "flow.html", show: bool = True) -> str:
    """Write the page of a flow, tell of it, and return its path. Raises UsageError."""
    path = visualize_flow_structure(build_flow_structure(flow), filename, show)
    bus.emit(flow, FlowPlotEvent(flow_name=flow._flow_name))
    return path


def visualize_flow_structure(structure: FlowStructure, path: str, show: bool = False) -> str:
    """Write the page of a graph and return its path, with `.html` where it had no suffix; `show` opens it in a browser.

    Raises:
        UsageError: it can't be written.
    """
    file = Path(path)
    if not file.suffix:
        file = file.with_suffix(".html")
    kinds = {node.kind for node in structure.nodes}
    page = _template().render(
        structure=structure,
        layout=layout_of(structure),
        counts=_counts(structure),
        kinds=[(kind, words) for kind, words in _KINDS if kind in kinds],
        node_width=NODE_WIDTH,
        node_height=NODE_HEIGHT,
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"the picture of {structure.name} can't be written to {file}: {error}") from error
    if show:
        import webbrowser

        webbrowser.open(file.resolve().as_uri())
    return str(file)


def _counts(structure: FlowStructure) -> str:
    methods = sum(node.kind != "label" for node in structure.nodes)
    starts, routers = len(structure.start_methods), len(structure.router_methods)
    parts = [(methods, "method"), (starts, "start"), (routers, "router")]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in parts if count)


@cache
def _template() -> Any:
    # Late: a flow that nobody draws needs no templates.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness.flow", "plot"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shortened"] = _shortened
    return environment.get_template("flow.html.jinja")


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
