"""`harness scan`: what should not stand in a recording."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.output import console_for, json_option, print_hung, tell, write_json
from harness.commands.progress import at_work


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--max-age",
    type=click.IntRange(1, 100_000),
    default=365,
    show_default=True,
    metavar="DAYS",
    help="Older is a finding.",
)
@json_option
def scan(paths: tuple[Path, ...], max_age: int, json_file: Path | None) -> int:
    """Look for credentials, unreadable or outdated formats, age, unplayed requests and orphan files.

    A credential's value is never printed.

    \b
    Example:
      harness scan recordings/ cassettes/

    \b
    JSON: {"format": "harness.scan/1",
    "findings": [{"path", "kind", "where", "message"}]}
    """
    from datetime import UTC, datetime

    from msgspec.structs import asdict

    from harness.recording import Redactor, counted, scan

    looked_at: set[Path] = set()
    with at_work("looking for recordings and cassettes") as work:

        def looking(path: Path) -> None:
            looked_at.add(path)
            work.say(str(path))

        findings = scan(paths, now=datetime.now(UTC), max_age_days=max_age, looking=looking)
    console = console_for(json_file)
    for found in findings:
        where = f" {found.where}" if found.where else ""
        print_hung(console, f"{found.kind:9} ", Redactor().text(f"{found.path}{where}: {found.message}"))
    if looked_at:
        of = counted(len(looked_at), "recording or cassette", "recordings and cassettes")
        console.print(f"{counted(len(findings), 'finding')} in {of}")
    document = [{**asdict(found), "path": str(found.path)} for found in findings]
    write_json(json_file, Redactor().payload({"format": "harness.scan/1", "findings": document}))
    if not looked_at and not findings:
        where = ", ".join(f"'{path}'" for path in paths)
        tell(f"error: nothing was scanned: there is no recording and no cassette in {where}; check the path")
        return 2
    if any(found.kind in {"format", "version"} for found in findings):
        return 2
    return 1 if findings else 0
