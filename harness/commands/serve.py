"""`harness serve`: on loopback, a recording as its provider, or a flow with a page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from harness.commands.output import json_option, tell, text_stream, write_json

if TYPE_CHECKING:
    from harness.recording.serve.emulator import Emulator
    from harness.recording.wire import WireRequest, WireResponse


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--app", "target", metavar="TARGET", help="A flow, LLM or callable, as package.module:attribute.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="On this port.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Answer at recorded times: 1 as recorded.")
@click.option(
    "--fault", "specs", multiple=True, metavar="SPEC", help="What goes wrong, as in cut:120 or 429:2; repeatable."
)
@click.option("--host", default="127.0.0.1", metavar="NAME", show_default=True, help="Where an app listens.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="Another name of an app's host; repeatable.")
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="URL", help="A site whose pages may use an app; repeatable."
)
@json_option
def serve(
    path: Path | None,
    target: str | None,
    port: int,
    speed: float | None,
    specs: tuple[str, ...],
    host: str,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Serve a recording or cassette on loopback as its provider, chunk by chunk, or --app TARGET with a page.

    Both until Ctrl-C. The variables with which SDKs find a recording are printed, and each request on stderr. An app is for this machine alone, unless hosts and origins are allowed by name.

    \b
    Example:
      harness serve cassettes/openai/text --port 8080
      curl -N http://127.0.0.1:8080/v1/chat/completions \\
        -H 'content-type: application/json' -d @request.json
      harness serve --app my_app.flows:PlanFlow

    \b
    JSON, once it listens: {"format": "harness.serve/1", "path", "url",
    "interactions", "providers", "faults", "variables"},
    of an app {"format": "harness.serve/1", "app", "url"}
    """
    of_app = {"--host": host != "127.0.0.1", "--allow-host": bool(hosts), "--allow-origin": bool(origins)}
    of_recording = {"--speed": speed is not None, "--fault": bool(specs)}
    if path is None and target is None:
        raise click.UsageError("Missing argument 'PATH': the recording to serve; or --app TARGET")
    if path is not None and target is not None:
        raise click.UsageError("a recording is served, or an app; not both at once")
    stray = [name for name, is_set in (of_recording if target is not None else of_app).items() if is_set]
    if stray:
        raise click.UsageError(f"{stray[0]} is an option of {'a recording' if target is not None else 'an app'}")
    if path is not None:
        _serve_recording(path, port, speed, specs, json_file)
    elif target is not None:
        _serve_app(target, port, host, hosts, origins, json_file)


def _serve_recording(
    path: Path, port: int, speed: float | None, specs: tuple[str, ...], json_file: Path | None
) -> None:
    from harness.recording.faults.faults import parse_fault
    from harness.recording.serve.emulator import serve

    def ready(emulator: Emulator) -> None:
        served = emulator.served
        variables = served.variables(emulator.url)
        # First, so that who has read that it listens finds the document.
        write_json(
            json_file,
            {
                "format": "harness.serve/1",
                "path": str(path),
                "url": emulator.url,
                "interactions": len(served.interactions),
                "providers": list(served.providers),
                "faults": list(specs),
                "variables": variables,
            },
            needs_reader=True,
        )
        _announce(f"serving {path} at {emulator.url}", json_file)
        for name, value in variables.items():
            _announce(f"  {name}={value}", json_file)

    def answered(request: WireRequest, response: WireResponse) -> None:
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        how = "" if response.ended.how == "complete" else f", {response.ended.how}"
        tell(f"{at} {request.method} {urlsplit(request.url).path} -> {response.status or 'no response'}{how}")

    faults = [parse_fault(spec) for spec in specs]
    serve(path, port=port, speed=speed, faults=faults, ready=ready, on_answer=answered)


def _serve_app(
    target: str, port: int, host: str, hosts: tuple[str, ...], origins: tuple[str, ...], json_file: Path | None
) -> None:
    from harness.commands.viewer import timeline_page
    from harness.web.server import serve_app

    def ready(url: str) -> None:
        write_json(json_file, {"format": "harness.serve/1", "app": target, "url": url}, needs_reader=True)
        _announce(f"serving {target} at {url}", json_file)

    serve_app(target, host=host, port=port, origins=origins, hosts=hosts, ready=ready, timeline=timeline_page)


def _announce(text: str, json_file: Path | None) -> None:
    # Nobody else ends a server that has told nobody where it is.
    tell(text, needs_reader=True, file=text_stream(json_file))
