"""`harness replay`: recordings and cassettes, offline."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.commands.reports import Reports, report_options
from harness.commands.garbage import few_collections
from harness.commands.match_options import matching_options, settings_of
from harness.commands.output import (
    console_for,
    json_option,
    print_below,
    print_hung,
    tell,
    traceback_option,
    trust_option,
    verbose_option,
)
from harness.commands.progress import watched

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.run.replay import ReplayResult

#: Under the path, which stands behind the status.
_INDENT = 11
#: So many differences and violations of one result are shown.
_SHOWN = 10
_STYLES = {"passed": "green", "failed": "red", "error": "bold red", "not-a-call": "dim"}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="Write the frames that recordings give now, where they differ.")
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), help="Play at recorded times: 1 as recorded, 2 twice as fast."
)
@click.option(
    "--turn", type=click.IntRange(1), metavar="N", help="Only the N-th turn of a recorded conversation, alone."
)
@click.option("-n", "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to work in.")
@click.option("--scheduler", metavar="ADDRESS", help="Have it done by the workers of this Dask scheduler.")
@click.option("--shard", metavar="I/N", help="Only every N-th, from the I-th; harness merge joins the reports.")
@report_options
@verbose_option
@traceback_option
@trust_option
@matching_options
@json_option
@few_collections()
def replay(
    paths: tuple[Path, ...],
    update: bool,
    speed: float | None,
    turn: int | None,
    workers: int,
    shard: str | None,
    scheduler: str | None,
    reports: Reports,
    verbose: bool,
    with_traceback: bool,
    trusted: tuple[str, ...],
    json_file: Path | None,
    **matching: Any,
) -> int:
    """Replay recordings and plain vcrpy cassettes offline, compare the timelines, and check the contract.

    Without PATH: ./cassettes where there is one, else the recordings that come with the package. With --turn the turns
    before are not run: the flow begins with the state that their frames tell of.

    \b
    Example:
      harness replay recordings/plan cassettes/ --json report.json

    \b
    JSON: {"format": "harness.replay/1", "summary": {"files", "interactions",
    "passed", "failed", "errors", "not_a_call", "seconds"}, "results": [{"path",
    "kind", "interaction", "provider", "streamed", "status", "frames", "text",
    "tool_calls", "usage", "finish_reason", "violations", "diff", "message"}]}
    """
    if update and turn is not None:
        raise click.UsageError("--update writes a recording as a whole: leave out --turn")
    from conformance.run import replay as replaying
    from conformance.run.scheduler import consume
    from conformance.run.shard import Shard
    from harness.recording import Trust, network_guard

    started = time.perf_counter()
    part = None if shard is None else Shard.parse(shard)
    every = replaying.found(paths or (_default_recordings(),))
    subjects = every if part is None else part.of_all(every)
    console = console_for(json_file)
    results: list[ReplayResult] = []

    def take(group: list[ReplayResult]) -> None:
        with seen.set_aside():
            for result in group:
                results.append(result)
                _render_result(console, result, verbose=verbose, with_traceback=with_traceback)
        seen.advance()

    with watched([str(subject) for subject in subjects]) as seen:
        groups = replaying.replay_all(
            subjects,
            speed=speed,
            update=update,
            workers=workers,
            trust=Trust.here(trusted),
            settings=settings_of(matching),
            scheduler=scheduler,
            whole=verbose,
            turn=turn,
        )
        if scheduler is None:
            try:
                for group in groups:
                    take(group)
            finally:
                # What runs have left for the end of the process comes after this, and is to reach nothing either.
                atexit.register(network_guard().__enter__)
            is_whole = True
        else:
            is_whole = consume(groups, take)
    seconds = time.perf_counter() - started
    document = replaying.report(results, seconds)
    if document["summary"]["errors"] or part is not None or reports.are_wanted(json_file):
        # Foreign cassettes, and what a run says now, may hold what no recording would.
        document = _redacted(document)
    render_summary(console, document)
    if not every:
        where = ", ".join(f"'{path}'" for path in paths) or f"'{_default_recordings()}'"
        tell(
            f"error: nothing was replayed: there is no recording and no cassette in {where}; check the path, or make one "
            "with harness record"
        )
    # What shows timelines is loaded for a report that has some.
    if part is not None:
        from conformance.run.failures.carried_runs import carried_replays

        document["shard"] = {**part.document(len(every)), "runs": carried_replays(results)}
    if not is_whole:
        document["interrupted"] = {"files": document["summary"]["files"], "of": len(subjects)}
        tell(f"interrupted: this is of {document['summary']['files']} of {len(subjects)} files")
    reports.write(document, json_file, results)
    if not is_whole:
        return 130
    # Of many shards, one may have nothing to do.
    return 0 if part is not None and not subjects else replaying.exit_code(results)


def _redacted(document: dict[str, Any]) -> dict[str, Any]:
    """Return the report without credentials.

    Result by result: none goes on in the next, and all at once would take twenty times the memory.
    """
    from harness.recording import Redactor

    redactor = Redactor()
    clean = [redactor.payload(result) for result in document["results"]]
    return {**redactor.payload({**document, "results": []}), "results": clean}


def _default_recordings() -> Path:
    from harness.shipped import shipped_folder

    here = Path("cassettes")
    return here if here.is_dir() else shipped_folder()


def _render_result(console: Console, result: ReplayResult, *, verbose: bool, with_traceback: bool) -> None:
    from harness.recording import Redactor, counted

    redacted = Redactor().text
    number = f" #{result.interaction}" if result.interaction is not None else ""
    streamed = {True: "streamed", False: "not streamed", None: None}[result.streamed]
    frames = counted(result.frames, "frame") if result.frames else None
    facts = ", ".join(filter(None, (result.provider, streamed, frames)))
    subject = redacted(f"{result.path}{number}") + (f"  ({facts})" if facts else "")
    print_hung(console, f"{result.status:10} ", subject, head_style=_STYLES[result.status])
    if result.message is not None:
        print_below(console, redacted(result.message), _INDENT)
    if with_traceback and result.traceback is not None:
        print_below(console, redacted(result.traceback), _INDENT, lines=True)
    for line in _differences(result, verbose=verbose):
        print_below(console, redacted(line), _INDENT)
    for violation in result.violations[:_SHOWN]:
        text = f"{violation.clause} at frame {violation.seq}: {violation.message}"
        print_below(console, redacted(text), _INDENT)


def _differences(result: ReplayResult, *, verbose: bool) -> Iterator[str]:
    """Yield what differs: causes first, of which the first are shown, and what follows from them as one line."""
    if verbose:
        yield from result.diff
        return
    causes = result.diff[: len(result.diff) - result.consequences]
    yield from causes[:_SHOWN]
    more = len(causes) - _SHOWN
    folded = [f"{more} more"] if more > 0 else []
    if result.consequences:
        folded.append(f"{result.consequences} that {'follow' if result.consequences > 1 else 'follows'} from this")
    if folded:
        yield f"and {', and '.join(folded)}; --verbose shows all"


def render_summary(console: Console, document: dict[str, Any]) -> None:
    """Print the counts, and why what could not be judged could not."""
    from harness.recording import counted

    summary = document["summary"]
    # One alone has just been told.
    if summary["errors"] > 1:
        from conformance.report.replay_page import reasons

        console.print("could not be judged:", highlight=False)
        for reason, count in reasons(document["results"]):
            print_hung(console, f"{count:10} × ", reason)
    console.print(
        f"{summary['passed']} passed, {summary['failed']} failed, {counted(summary['errors'], 'error')}, "
        f"{summary['not_a_call']} not a call; {counted(summary['files'], 'file')} in {summary['seconds']} s",
        highlight=False,
    )
