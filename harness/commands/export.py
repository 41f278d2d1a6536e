"""`harness export`: a timeline in another protocol."""

from __future__ import annotations

from pathlib import Path

import click

from harness.commands.output import (
    WRITTEN_FILE_OR_STDOUT,
    console_for,
    is_stdout,
    json_option,
    tell,
    write_json,
    write_stdout,
)
from harness.commands.progress import at_work
from harness.terminal import shown_json

_PROTOCOLS = ("agui", "vercel", "otel", "openai", "perfetto")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--to", "protocol", type=click.Choice(_PROTOCOLS), required=True, help="The protocol.")
@click.option(
    "-o", "--output", "out", type=WRITTEN_FILE_OR_STDOUT, metavar="FILE", help="Where to write it; stdout without."
)
@click.option("--sse", is_flag=True, help="Server-sent events, as a server sends them; for agui, vercel and openai.")
@click.option("--content", is_flag=True, help="Spans tell what people, models and tools said; for otel.")
@json_option
def export(path: Path, protocol: str, out: Path | None, sse: bool, content: bool, json_file: Path | None) -> int:
    """Write the timeline of a recording, a frames file or a stream, or of each call of a plain cassette, in another protocol.

    agui, vercel and openai are a JSON line for each event; otel is one OTLP request in JSON, perfetto one Chrome trace, which
    ui.perfetto.dev opens. The calls of a cassette follow one another.

    \b
    Example:
      harness export recordings/plan --to perfetto -o plan.json
      harness export recordings/plan --to agui -o plan.jsonl
      harness show plan.jsonl

    \b
    JSON: {"format": "harness.export/1", "path", "to", "output", "timelines",
    "frames", "events"}, output null for stdout
    """
    from harness.errors import UsageError
    from harness.recording import Redactor
    from harness.recording.export import PROTOCOLS, exported
    from harness.recording.files.atomic import write_atomically
    from harness.recording.timelines import timelines_of
    from harness.recording.words.counts import counted

    to_stdout = out is None or is_stdout(out)
    if to_stdout and is_stdout(json_file):
        raise UsageError(
            "the export and the JSON document can't both go to stdout; give one of them a file, as -o FILE"
        )
    to = next(known for known in PROTOCOLS if known == protocol)
    if sse and to in ("otel", "perfetto"):
        raise UsageError(f"--sse is for streams, and {to} is one document; leave it out")
    if content and to != "otel":
        raise UsageError(f"--content is for otel; {to} tells what was said in any case, leave it out")
    with at_work(f"reading {path}"):
        timelines = timelines_of(path)
        result = exported(timelines, to, sse=sse, content=content)
    text = shown_json(result.text)
    if out is None or is_stdout(out):
        write_stdout(text)
    else:
        write_atomically(out, text.encode())
        made = counted(result.events, "span" if to == "otel" else "event")
        console_for(json_file).print(f"exported {counted(result.frames, 'frame')} as {made}: {out}")
    document = {
        "format": "harness.export/1",
        "path": str(path),
        "to": to,
        "output": None if to_stdout else str(out),
        "timelines": len(timelines),
        "frames": result.frames,
        "events": result.events,
    }
    write_json(json_file, Redactor().payload(document))
    if not result.frames:
        tell(f"error: '{path}' has no frames, so nothing was exported")
        return 2
    return 0
