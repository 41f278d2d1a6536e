"""The `harness` command: parse, call one function, render.

Exit codes: 2 for usage, unreadable input, or nothing checked; 1 where something fell short; 0 where all held; 130 after
Ctrl-C.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.replaying import ReplayResult
    from harness.recording.timelines import Timeline

_MODES = ("none", "once", "new", "all")
_CHANNELS = ("llm", "flow", "tools", "messages", "lifecycle", "custom")
_STYLES = {"passed": "green", "failed": "red", "error": "bold red", "not-a-call": "dim"}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with its code."""
    from harness.errors import (
        ConformanceError,
        HarnessError,
        RecordingError,
        UnplayedRecordingError,
        UnrecordedRequestError,
        UnsafeRecordingError,
        UsageError,
    )

    try:
        code = harness.main(arguments, prog_name="harness", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    except (UnrecordedRequestError, UnplayedRecordingError, UnsafeRecordingError) as error:
        code = _said(error, 1)
    except (UsageError, RecordingError, ConformanceError) as error:
        code = _said(error, 2)
    except HarnessError as error:
        code = _said(error, 1)
    except BrokenPipeError:
        # The reader of our output has gone, as in `harness show … | head`; Python must not try to flush to it.
        sys.stdout = None
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _said(error: Exception, code: int) -> int:
    click.echo(f"error: {error}", err=True)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stream-harness", message="%(package)s %(version)s")
def harness() -> None:
    """Record streamed agent runs, replay them offline, and check that they keep the streaming contract."""


json_option = click.option(
    "--json", "json_file", type=click.File("w", lazy=True), help="Write the JSON document to FILE; - is stdout."
)


def _pair(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{value!r}: expected K=JSON, as in topic='\"agents\"' or count=3")
        try:
            inputs[name] = json.loads(text)
        except ValueError as error:
            raise click.BadParameter(
                f"{value!r}: {text!r} is not JSON ({error}); text needs quotes: {name}='\"…\"'"
            ) from error
    return inputs


@harness.command()
@click.argument("target")
@click.option(
    "--input", "inputs", multiple=True, callback=_pair, metavar="K=JSON", help="An input of the run; repeatable."
)
@click.option("--turn", "turns", multiple=True, metavar="TEXT", help="A message of a conversation; repeatable.")
@click.option("--entry", metavar="NAME", help="The method that starts the session, in place of the natural one.")
@click.option("--runtime", type=click.Choice(["harness", "crewai"]), help="The runtime that the target must belong to.")
@click.option("--mode", type=click.Choice(_MODES), default="once", show_default=True, help="As in vcrpy.")
@click.option("--base-url", metavar="URL", help="Send requests there; the URL that was asked for is recorded.")
@click.option(
    "--origin",
    type=click.Choice(["live", "authored"]),
    default="live",
    help="Who answers: a provider, or a server of yours.",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The recording's folder.",
)
@json_option
def record(
    target: str,
    inputs: dict[str, Any],
    turns: tuple[str, ...],
    entry: str | None,
    runtime: str | None,
    mode: Any,
    base_url: str | None,
    origin: Any,
    out: Path,
    json_file: IO[str] | None,
) -> int:
    """Run TARGET (package.module:attribute) for real, stream its text, and write one recording.

    \b
    Example:
      harness record my_app.flows:PlanFlow --input topic='"tides"' -o recordings/plan

    \b
    JSON: {"format": "harness.record/1", "path", "written", "frames", "interactions", "status", "error", "recording"}
    """
    from harness.recording import Target, record

    out_stream = _text_stream(json_file)
    recorded = record(
        Target(target, entry, inputs, turns),
        out,
        mode=mode,
        base_url=base_url,
        origin=origin,
        runtime=runtime,
        on_text=lambda text: click.echo(text, nl=False, file=out_stream),
    )
    outcome = recorded.recording.outcome
    status = outcome.status if outcome is not None else "cancelled"
    click.echo("", file=out_stream)
    what = "recorded" if recorded.written else "played what was recorded, and left it as it was:"
    click.echo(f"{what} {recorded.frames} frames, {recorded.interactions} requests: {out}", err=True)
    if recorded.error is not None:
        click.echo(f"the run {status}: {type(recorded.error).__name__}: {recorded.error}", err=True)
    _write_json(
        json_file,
        {
            "format": "harness.record/1",
            "path": str(out),
            "written": recorded.written,
            "frames": recorded.frames,
            "interactions": recorded.interactions,
            "status": status,
            "error": None if outcome is None else outcome.error,
            "recording": recorded.recording.model_dump(mode="json"),
        },
    )
    if isinstance(recorded.error, KeyboardInterrupt):
        return 130
    return 0 if recorded.error is None else 1


@harness.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="Write the frames that recordings give now, where they differ.")
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), help="Play at recorded times: 1 as recorded, 2 twice as fast."
)
@click.option("-n", "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to work in.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--html", type=click.Path(path_type=Path), metavar="DIR", help="Write an HTML report.")
@json_option
def replay(
    paths: tuple[Path, ...],
    update: bool,
    speed: float | None,
    workers: int,
    junit: Path | None,
    html: Path | None,
    json_file: IO[str] | None,
) -> int:
    """Replay recordings and plain vcrpy cassettes offline, compare the timelines, and check the contract.

    Without PATH: ./cassettes where there is one, else the recordings that come with the package.

    \b
    Example:
      harness replay recordings/plan cassettes/ --json report.json

    \b
    JSON: {"format": "harness.replay/1", "summary": {"files", "interactions", "passed", "failed", "errors",
    "not_a_call", "seconds"}, "results": [{"path", "kind", "interaction", "provider", "streamed", "status",
    "frames", "text", "tool_calls", "usage", "finish_reason", "violations", "diff", "message"}]}
    """
    from conformance import replaying

    started = time.perf_counter()
    subjects = replaying.found(paths or (_default_recordings(),))
    console = _console(json_file)
    results = []
    for group in replaying.replay_all(subjects, speed=speed, update=update, workers=workers):
        for result in group:
            results.append(result)
            _render_result(console, result)
    seconds = time.perf_counter() - started
    document = replaying.report(results, seconds)
    _render_summary(console, document["summary"])
    _write_json(json_file, document)
    if junit is not None:
        from conformance.report import junit as junit_report, replay_cases

        junit_report.write(replay_cases(document), junit)
    if html is not None:
        from conformance.report import html as html_report

        html_report.write(document, html)
    return replaying.exit_code(results)


@harness.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--channel", "channels", multiple=True, type=click.Choice(_CHANNELS), help="Only these channels; repeatable."
)
@json_option
def show(path: Path, channels: tuple[str, ...], json_file: IO[str] | None) -> int:
    """Show the timeline of a recording, a frames file, or each call of a plain cassette.

    \b
    Example:
      harness show recordings/plan --channel flow --channel llm

    \b
    JSON: {"format": "harness.show/1", "timelines": [{"path", "interaction", "frames": [StreamFrame…]}]}
    """
    from harness.recording.timelines import timelines_of

    console = _console(json_file)
    timelines = [timeline.only(channels) for timeline in timelines_of(path)]
    for timeline in timelines:
        _render_timeline(console, timeline)
    _write_json(
        json_file,
        {"format": "harness.show/1", "timelines": [timeline.document() for timeline in timelines]},
    )
    return 0 if any(timeline.frames for timeline in timelines) else 2


@harness.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@json_option
def diff(first: Path, second: Path, json_file: IO[str] | None) -> int:
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
    console = _console(json_file)
    for difference in comparison.differences:
        style = {"missing": "red", "added": "green", "moved": "yellow"}.get(difference.kind, "cyan")
        left, right = (f"#{seq}" if seq else "–" for seq in difference.seqs)
        console.print(
            f"{difference.kind:8} {left:>6} {right:>6}  {difference.where}", style=style, markup=False, highlight=False
        )
        console.print(f"{'':24}{difference.message}", markup=False, highlight=False, soft_wrap=True)
    count = len(comparison.differences)
    what = "equal" if not count else f"{count} difference{'s' * (count != 1)}"
    console.print(f"{what}: {comparison.frames[0]} and {comparison.frames[1]} frames", markup=False, highlight=False)
    _write_json(
        json_file,
        {
            "format": "harness.diff/1",
            "equal": not count,
            "frames": list(comparison.frames),
            "differences": [asdict(difference) for difference in comparison.differences],
        },
    )
    return 1 if count else 0


@harness.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--max-age", type=click.IntRange(1), default=365, show_default=True, metavar="DAYS", help="Older is a finding."
)
@json_option
def scan(paths: tuple[Path, ...], max_age: int, json_file: IO[str] | None) -> int:
    """Look for credentials, unreadable or outdated formats, age, unplayed requests and orphan files.

    A credential's value is never printed.

    \b
    Example:
      harness scan recordings/ cassettes/

    \b
    JSON: {"format": "harness.scan/1", "findings": [{"path", "kind", "where", "message"}]}
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from harness.recording import scan

    findings = scan(paths, now=datetime.now(UTC), max_age_days=max_age)
    console = _console(json_file)
    for found in findings:
        where = f" {found.where}" if found.where else ""
        console.print(f"{found.kind:9} {found.path}{where}: {found.message}", markup=False, highlight=False)
    console.print(f"{len(findings)} findings", highlight=False)
    document = [{**asdict(found), "path": str(found.path)} for found in findings]
    _write_json(json_file, {"format": "harness.scan/1", "findings": document})
    if any(found.kind in {"format", "version"} for found in findings):
        return 2
    return 1 if findings else 0


@harness.command()
@click.option(
    "--runtime", default="harness", show_default=True, metavar="NAME|module:attr", help="The runtime under test."
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME|PATH",
    help="A provider integration in place of a runtime, by its recordings; repeatable.",
)
@click.option(
    "--clause", "clauses", multiple=True, metavar="GLOB", help="Only these clauses, as in cleanup.*; repeatable."
)
@click.option(
    "--expect", type=click.Path(path_type=Path), metavar="FILE", help="Known failures; new and stale ones fail."
)
@click.option(
    "--write-expect", type=click.Path(path_type=Path), metavar="FILE", help="Write the failures as known ones."
)
@click.option("-n", "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to work in.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--html", type=click.Path(path_type=Path), metavar="DIR", help="Write an HTML report.")
@json_option
def conformance(
    runtime: str,
    providers: tuple[str, ...],
    clauses: tuple[str, ...],
    expect: Path | None,
    write_expect: Path | None,
    workers: int,
    junit: Path | None,
    html: Path | None,
    json_file: IO[str] | None,
) -> int:
    """Put a runtime through the suite and say, clause by clause, what holds.

    With --provider it is an integration that is tested, from recordings of its calls and faults done to them: those that
    come with the project, by the provider's name, or a folder of yours, as harness record makes them.

    \b
    Example:
      harness conformance --runtime my_runtime.subject:Subject --clause 'cleanup.*' -n 2
      harness conformance --provider openai --provider my_recordings/acme -n 2

    \b
    JSON: {"format": "harness.conformance/1", "subject": {"name", "version", "capabilities"}, "summary": {"must":
    {"passed", "failed", "not_testable"}, "should": {...}, "not_applicable"}, "clauses": [{"id", "level", "status",
    "checks": [{"scenario", "status", "violations": [{"seq", "message"}]}]}], "faults": [{"scenario", "message"}]};
    with --expect also "baseline": {"new": [{"clause", "scenario"}], "stale": [...]}
    """
    from conformance import baseline, command

    # Read before anything is run: a suite's time is long to wait for the news that a file is missing.
    expected = None if expect is None else baseline.read(expect)
    if providers and runtime != "harness":
        raise click.UsageError("--runtime and --provider are two suites; give one of them")
    outcome = (
        command.run_providers(providers, clauses, workers)
        if providers
        else command.run_suite(runtime, clauses, workers)
    )
    console = _console(json_file)
    document = outcome.document()
    _render_outcome(console, document)
    code = outcome.exit_code()
    if write_expect is not None:
        baseline.write(outcome, write_expect)
    if expected is not None and code != 2:
        held = baseline.hold(outcome, expected)
        document["baseline"] = held.document()
        for what, entries in (("new failure", held.new), ("stale entry", held.stale)):
            for clause, scenario in entries:
                console.print(f"{what}: {clause} in {scenario or 'no scenario'}", markup=False, highlight=False)
        code = 0 if held.holds else 1
    _write_json(json_file, document)
    if junit is not None:
        from conformance.report import junit as junit_report

        junit_report.write(command.cases(outcome), junit)
    if html is not None:
        from conformance.report import html as html_report

        html_report.write(document, html)
    return code


@harness.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On this port; 0 takes a free one.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Answer at recorded times: 1 as recorded.")
@click.option(
    "--fault", "specs", multiple=True, metavar="SPEC", help="What goes wrong, as in cut:120 or 429:2; repeatable."
)
@json_option
def serve(path: Path, port: int, speed: float | None, specs: tuple[str, ...], json_file: IO[str] | None) -> None:
    """Serve a recording or cassette on loopback as its provider, chunk by chunk, until Ctrl-C.

    \b
    Example:
      harness serve cassettes/openai/text --port 8080
      curl -N http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d @request.json

    \b
    JSON, once it listens: {"format": "harness.serve/1", "path", "url", "interactions", "providers", "faults"}
    """
    from harness.recording.emulator import Emulator, serve
    from harness.recording.faults import parse_fault

    def ready(emulator: Emulator) -> None:
        served = emulator.served
        click.echo(f"serving {path} at {emulator.url}", file=_text_stream(json_file))
        _write_json(
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
        if json_file is not None:
            json_file.flush()

    serve(path, port=port, speed=speed, faults=[parse_fault(spec) for spec in specs], ready=ready)


def _default_recordings() -> Path:
    here = Path("cassettes")
    if here.is_dir():
        return here
    import cassettes

    return Path(next(iter(cassettes.__path__)))


def _console(json_file: IO[str] | None) -> Console:
    """Return where people read: stdout, or stderr where stdout is for the JSON document."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # which main() knows; rich itself would end the process with 1

    return Output(stderr=_is_stdout(json_file), soft_wrap=True)


def _text_stream(json_file: IO[str] | None) -> IO[str]:
    return sys.stderr if _is_stdout(json_file) else sys.stdout


def _is_stdout(json_file: IO[str] | None) -> bool:
    return json_file is not None and json_file.name == "-"


def _write_json(json_file: IO[str] | None, document: dict[str, Any]) -> None:
    if json_file is not None:
        json_file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _render_result(console: Console, result: ReplayResult) -> None:
    number = f" #{result.interaction}" if result.interaction is not None else ""
    facts = ", ".join(
        fact
        for fact in (
            result.provider,
            {True: "streamed", False: "not streamed"}.get(result.streamed) if result.streamed is not None else None,
            f"{result.frames} frames" if result.frames else None,
        )
        if fact
    )
    console.print(f"[{_STYLES[result.status]}]{result.status:10}[/] ", end="", highlight=False)
    console.print(f"{result.path}{number}" + (f"  ({facts})" if facts else ""), markup=False, highlight=False)
    if result.message is not None:
        console.print(f"           {result.message}", markup=False, highlight=False)
    for line in result.diff[:10]:
        console.print(f"           {line}", markup=False, highlight=False)
    for violation in result.violations[:10]:
        console.print(
            f"           {violation['clause']} at frame {violation['seq']}: {violation['message']}",
            markup=False,
            highlight=False,
        )


def _render_summary(console: Console, summary: dict[str, Any]) -> None:
    console.print(
        f"{summary['passed']} passed, {summary['failed']} failed, {summary['errors']} errors, "
        f"{summary['not_a_call']} not a call; {summary['files']} files in {summary['seconds']} s",
        highlight=False,
    )


def _render_outcome(console: Console, document: dict[str, Any]) -> None:
    styles = {"passed": "green", "failed": "red", "not-testable": "yellow", "not-applicable": "dim"}
    for row in document["clauses"]:
        console.print(f"[{styles[row['status']]}]{row['status']:14}[/] {row['id']} ({row['level']})", highlight=False)
        for check in row["checks"]:
            for violation in check["violations"][:3]:
                at = f" at frame {violation['seq']}" if violation["seq"] is not None else ""
                console.print(
                    f"               {check['scenario']}{at}: {violation['message']}", markup=False, highlight=False
                )
    for fault in document["faults"]:
        console.print(
            f"fault of the harness in {fault['scenario']}:\n{fault['message']}", markup=False, highlight=False
        )
    subject, counts = document["subject"], document["summary"]
    told = "; ".join(
        f"{level.upper()} {', '.join(f'{count} {name}' for name, count in counts[level].items())}"
        for level in ("must", "should")
    )
    console.print(
        f"{subject['name']} {subject['version']}: {told}; {counts['not_applicable']} not applicable".replace("_", " "),
        highlight=False,
    )


def _render_timeline(console: Console, timeline: Timeline) -> None:
    from rich.table import Table
    from rich.text import Text

    lanes = [channel for channel in _CHANNELS if any(frame.channel == channel for frame in timeline.frames)]
    table = Table(title=timeline.title, title_justify="left", box=None, pad_edge=False)
    table.add_column("seq", justify="right")
    table.add_column("ms", justify="right")
    for lane in lanes:
        table.add_column(lane, justify="center")
    table.add_column("frame", overflow="fold")
    for row in timeline.rows():
        marks = ["●" if lane == row.channel else "·" for lane in lanes]
        table.add_row(str(row.seq), f"{row.offset_ms:.0f}", *marks, Text(row.text))
    console.print(table)


if __name__ == "__main__":
    main()
