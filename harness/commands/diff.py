"""`harness diff`: two timelines, aligned."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.output import console_for, json_option, write_json


@click.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@json_option
def diff(first: Path, second: Path, json_file: Path | None) -> int:
    """Align two timelines and show what moved and what changed; ids, times and harmless interleaving aside.

    \b
    Example:
      harness diff recordings/plan recordings/plan-new

    \b
    JSON: {"format": "harness.diff/1", "equal", "frames": [n, n], "differences": [{"kind", "where", "seqs", "message"}]}
    """
    from dataclasses import asdict

    from harness.recording.timelines import compared

    comparison = compared(first, second)
    console = console_for(json_file)
    for difference in comparison.differences:
        style = {"missing": "red", "added": "green", "moved": "yellow"}.get(difference.kind, "cyan")
        left, right = (f"#{seq}" if seq else "–" for seq in difference.seqs)
        console.print(f"{difference.kind:8} {left:>6} {right:>6}  {difference.where}", style=style)
        console.print(f"{'':24}{difference.message}", soft_wrap=True)
    count = len(comparison.differences)
    what = "equal" if not count else f"{count} difference{'s' * (count != 1)}"
    console.print(f"{what}: {comparison.frames[0]} and {comparison.frames[1]} frames")
    write_json(
        json_file,
        {
            "format": "harness.diff/1",
            "equal": not count,
            "frames": list(comparison.frames),
            "differences": [asdict(difference) for difference in comparison.differences],
        },
    )
    return 1 if count else 0
