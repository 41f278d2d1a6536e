"""`harness diff`: two timelines, aligned."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.garbage import few_collections
from harness.commands.output import (
    WRITTEN_FILE,
    console_for,
    json_option,
    print_below,
    print_hung,
    verbose_option,
    write_json,
)
from harness.commands.progress import at_work


@click.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("--html", type=WRITTEN_FILE, metavar="FILE", help="Write both to look at side by side in a browser.")
@verbose_option
@json_option
@few_collections()
def diff(first: Path, second: Path, html: Path | None, verbose: bool, json_file: Path | None) -> int:
    """Align two timelines and show what moved and what changed; ids, times and harmless interleaving aside.

    \b
    Example:
      harness diff recordings/plan recordings/plan-new
      harness diff recordings/plan recordings/plan-new --html plan.html

    \b
    JSON: {"format": "harness.diff/1", "equal", "frames": [n, n],
    "differences": [{"kind", "where", "seqs", "message"}]}
    """
    from harness.recording import Redactor
    from harness.recording.timelines import compared
    from harness.recording.words.counts import counted

    with at_work(f"comparing {first} and {second}"):
        comparison = compared(first, second)
    console = console_for(json_file)
    redactor = Redactor()
    for found in comparison.differences:
        difference = found.lengthened() if verbose else found
        style = {"missing": "red", "added": "green", "moved": "yellow"}.get(difference.kind, "cyan")
        left, right = (f"#{seq}" if seq else "–" for seq in difference.seqs)
        print_hung(console, f"{difference.kind:8} {left:>6} {right:>6}  ", redactor.text(difference.where), style=style)
        print_below(console, redactor.text(difference.message), 24)
    count = len(comparison.differences)
    verdict = "equal" if not count else counted(count, "difference")
    console.print(f"{verdict}: {comparison.frames[0]:,} and {counted(comparison.frames[1], 'frame')}")
    if html is not None:
        from harness.commands.viewer import write_beside

        with at_work(f"writing {html}"):
            write_beside(first, second, html)
        console.print(f"wrote {html}: open it in a browser")
    write_json(
        json_file,
        {
            "format": "harness.diff/1",
            "equal": not count,
            "frames": list(comparison.frames),
            "differences": [
                {"kind": difference.kind, "seqs": difference.seqs}
                | {name: redactor.text(getattr(difference, name)) for name in ("where", "message")}
                for difference in comparison.differences
            ],
        },
    )
    return 1 if count else 0
