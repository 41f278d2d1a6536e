"""`harness serve`: a recording as its provider, on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.output import json_option, tell, text_stream, write_json

if TYPE_CHECKING:
    from harness.recording.serve.emulator import Emulator


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On this port; 0 takes a free one.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Answer at recorded times: 1 as recorded.")
@click.option(
    "--fault", "specs", multiple=True, metavar="SPEC", help="What goes wrong, as in cut:120 or 429:2; repeatable."
)
@json_option
def serve(path: Path, port: int, speed: float | None, specs: tuple[str, ...], json_file: Path | None) -> None:
    """Serve a recording or cassette on loopback as its provider, chunk by chunk, until Ctrl-C.

    \b
    Example:
      harness serve cassettes/openai/text --port 8080
      curl -N http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d @request.json

    \b
    JSON, once it listens: {"format": "harness.serve/1", "path", "url", "interactions", "providers", "faults"}
    """
    from harness.recording.faults.faults import parse_fault
    from harness.recording.serve.emulator import serve

    def ready(emulator: Emulator) -> None:
        served = emulator.served
        tell(f"serving {path} at {emulator.url}", file=text_stream(json_file))
        write_json(
            json_file,
            {
                "format": "harness.serve/1",
                "path": str(path),
                "url": emulator.url,
                "interactions": len(served.interactions),
                "providers": list(served.providers),
                "faults": list(specs),
            },
        )

    serve(path, port=port, speed=speed, faults=[parse_fault(spec) for spec in specs], ready=ready)
