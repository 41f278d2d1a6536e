"""`harness show`: a timeline in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.garbage import few_collections
from harness.commands.output import WRITTEN_FILE, console_for, json_option, print_table, tell, text_of, write_json
from harness.commands.progress import at_work

if TYPE_CHECKING:
    from rich.console import Console

    from harness.recording.timelines import StoredTimeline

_CHANNELS = ("llm", "flow", "tools", "messages", "lifecycle", "custom")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--channel", "channels", multiple=True, type=click.Choice(_CHANNELS), help="Only these channels; repeatable."
)
@click.option("--html", type=WRITTEN_FILE, metavar="FILE", help="Write the timeline to look at in a browser, offline.")
@json_option
@few_collections()
def show(path: Path, channels: tuple[str, ...], html: Path | None, json_file: Path | None) -> int:
    """Show the timeline of a recording, a frames file, a stream of AG-UI events, or each call of a plain cassette.

    \b
    Example:
      harness show recordings/plan --channel flow --channel llm
      harness show recordings/plan --html plan.html

    \b
    JSON: {"format": "harness.show/1", "timelines": [{"path", "interaction",
    "frames": [StreamFrame…]}]}
    """
    from harness.recording.timelines import timelines_of

    console = console_for(json_file)
    with at_work(f"reading {path}"):
        stored = timelines_of(path)
    if html is not None:
        from harness.commands.viewer import write_viewer

        with at_work(f"writing {html}"):
            write_viewer(stored, path.name or str(path), html)
        console.print(f"wrote {html}: open it in a browser")
    if html is None or json_file is not None:
        stored = [timeline.redacted() for timeline in stored]
    timelines = [timeline.only(channels) for timeline in stored]
    if html is None:
        for timeline in timelines:
            _render_timeline(console, timeline)
    if json_file is not None:
        documents = [timeline.document() for timeline in timelines]
        write_json(json_file, {"format": "harness.show/1", "timelines": documents})
    if any(timeline.frames for timeline in timelines):
        return 0
    present = sorted({frame.channel for timeline in stored for frame in timeline.frames})
    where = f" on {' or '.join(channels)}; there are some on {' and '.join(present)}" if channels and present else ""
    tell(f"error: '{path}' has no frames{where}")
    return 2


def _render_timeline(console: Console, timeline: StoredTimeline) -> None:
    from rich.table import Table

    lanes = [channel for channel in _CHANNELS if any(frame.channel == channel for frame in timeline.frames)]
    console.print(timeline.title, style="italic")
    table = Table(box=None, pad_edge=False)
    table.add_column("seq", justify="right")
    table.add_column("ms", justify="right")
    for lane in lanes:
        table.add_column(lane, justify="center")
    table.add_column("frame", overflow="fold")
    for row in timeline.rows():
        marks = ["●" if lane == row.channel else "·" for lane in lanes]
        table.add_row(str(row.seq), f"{row.offset_ms:.0f}", *marks, text_of(row.text))
    print_table(console, table)
