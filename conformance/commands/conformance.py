"""`harness conformance`: the suite, against a runtime or a provider integration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.commands.reports import Reports, report_options
from harness.commands.output import (
    WRITTEN_FILE,
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

    from conformance.run.baseline import Baseline
    from conformance.run.outcome import SuiteOutcome
    from conformance.run.plan import SuitePlan
    from conformance.run.result import ScenarioResult

#: So many different violations of one check are shown.
_SHOWN = 3
STYLES = {"passed": "green", "failed": "red", "not-testable": "yellow", "not-applicable": "dim"}


@click.command()
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
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="GLOB",
    help="Only these scenarios of the clauses, as reports name them; repeatable.",
)
@click.option(
    "--expect", type=click.Path(path_type=Path), metavar="FILE", help="Known failures; new and stale ones fail."
)
@click.option("--write-expect", type=WRITTEN_FILE, metavar="FILE", help="Write the failures as known ones.")
@click.option("-n", "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to work in.")
@click.option("--scheduler", metavar="ADDRESS", help="Have it done by the workers of this Dask scheduler.")
@click.option(
    "--shard", metavar="I/N", help="Only every N-th scenario, from the I-th; harness merge joins the reports."
)
@report_options
@verbose_option
@traceback_option
@trust_option
@json_option
def conformance(
    runtime: str,
    providers: tuple[str, ...],
    clauses: tuple[str, ...],
    scenarios: tuple[str, ...],
    expect: Path | None,
    write_expect: Path | None,
    workers: int,
    shard: str | None,
    scheduler: str | None,
    reports: Reports,
    verbose: bool,
    with_traceback: bool,
    trusted: tuple[str, ...],
    json_file: Path | None,
) -> int:
    """Put a runtime through the suite and say, clause by clause, what holds.

    With --provider it is an integration that is tested, from recordings of its calls and faults done to them: those that
    come with the project, by the provider's name, or a folder of yours, as harness record makes them.

    \b
    Example:
      harness conformance --runtime my_runtime:Subject --clause 'cleanup.*' -n 2
      harness conformance --provider openai --provider my_recordings/acme -n 2

    \b
    JSON: {"format": "harness.conformance/1", "command",
    "subject": {"name", "version", "capabilities"},
    "summary": {"must": {"passed", "failed", "not_testable"}, "should": {...},
    "not_applicable"}, "clauses": [{"id", "level", "status", "checks":
    [{"scenario", "status", "violations": [{"seq", "message"}]}]}],
    "faults": [{"scenario", "message"}]}; with --expect also
    "baseline": {"new": [{"clause", "scenario"}], "stale": [...]}
    """
    from conformance.run import baseline, command
    from conformance.run.failures.carried_runs import carried_scenarios
    from conformance.run.plan import result_document
    from conformance.run.result import about, without_secrets
    from conformance.run.shard import Shard
    from harness.recording import Redactor, Trust

    # Read before anything is run: a suite's time is long to wait for the news that a file is missing.
    expected = None if expect is None else baseline.read(expect)
    if providers and runtime != "harness":
        raise click.UsageError("--runtime and --provider are two suites; give one of them")
    part = None if shard is None else Shard.parse(shard)
    if part is not None and (expect is not None or write_expect is not None):
        raise click.UsageError("a baseline is of the whole suite: give --expect to harness merge, not to a shard")
    plan = (
        command.plan_providers(providers, clauses, Trust.here(trusted), expected)
        if providers
        else command.plan_suite(runtime, clauses, expected)
    )
    if scenarios and (part is not None or expect is not None or write_expect is not None):
        raise click.UsageError("--scenario is for a look at single ones: give no --shard and no baseline with it")
    steps = plan.steps_named(scenarios) if scenarios else plan.steps if part is None else part.of_all(plan.steps)
    made = _made(plan, steps, workers, scheduler)
    wanted = len(steps)
    redacted = Redactor().text
    steps = [steps[place] for place in sorted(made)]
    results = [about(without_secrets(made[place], redacted), plan.clauses) for place in sorted(made)]
    is_whole = len(made) == wanted
    is_all = part is None and not scenarios and is_whole
    outcome = plan.outcome(results) if is_all else plan.partial_outcome(steps, results)
    console = console_for(json_file)
    document = outcome.document()
    render_outcome(console, document, verbose=verbose)
    if with_traceback:
        _render_tracebacks(console, results)
    code = outcome.exit_code()
    if part is not None:
        documents = [result_document(result) for result in results]
        document["shard"] = {
            **part.document(len(plan.steps)),
            "plan": plan.document(),
            "results": documents,
            "runs": carried_scenarios(results),
        }
        # Of many shards, one may have nothing to do, or nothing that decides a clause by itself.
        code = 0 if code == 2 and not outcome.faults else code
    if not is_whole:
        document["interrupted"] = {"scenarios": len(made), "of": wanted}
        tell(f"interrupted: this is of {len(made)} of {wanted} scenarios")
        reports.write(document, json_file)
        return 130
    if write_expect is not None:
        baseline.write(outcome, write_expect)
    if expected is not None and code != 2:
        code = hold(console, outcome, expected, document)
    reports.write(document, json_file, results)
    return code


def _made(
    plan: SuitePlan, steps: list[tuple[int, str]], workers: int, scheduler: str | None
) -> dict[int, ScenarioResult]:
    """Return the result of each step by its place; where a scheduler's work was interrupted, those that there are."""
    made: dict[int, ScenarioResult] = {}
    performed: Iterable[tuple[int, ScenarioResult]] = (
        enumerate(plan.perform(steps, workers)) if scheduler is None else plan.perform_scheduled(steps, scheduler)
    )
    # By a scheduler, what was made before an interrupt may be of use; here, the interrupt ends the command.
    interrupts = [] if scheduler is None else [KeyboardInterrupt]
    with watched([name for _, name in steps]) as seen, contextlib.suppress(*interrupts):
        for place, result in performed:
            made[place] = result
            seen.advance()
    return made


def hold(console: Console, outcome: SuiteOutcome, expected: Baseline, document: dict[str, Any]) -> int:
    """Print, and put into the document, how an outcome stands against a baseline; return the exit code."""
    from conformance.run import baseline
    from harness.recording import counted

    held = document["baseline"] = baseline.hold(outcome, expected.failures)
    for kind, entries in (("new failure", held["new"]), ("stale entry", held["stale"])):
        for entry in entries:
            console.print(f"{kind}: {entry['clause']} in {entry['scenario'] or 'no scenario'}")
    if any(held.values()):
        return 1
    console.print(f"as expected: {counted(len(outcome.failures), 'known failure')}, no new one", highlight=False)
    return 0


def render_outcome(console: Console, document: dict[str, Any], *, verbose: bool = False) -> None:
    """Print an outcome, clause by clause; what has a cause in common with others once, but all of it with `verbose`."""
    from conformance.report.case import violation_text
    from conformance.report.causes import SharedCauses

    shared = SharedCauses(document)
    for row in document["clauses"]:
        print_hung(console, f"{row['status']:14} ", f"{row['id']} ({row['level']})", head_style=STYLES[row["status"]])
        for check in row["checks"]:
            if shared.of(check) is not None and not verbose:
                continue
            # A scenario may show the same several times, as once for each way of reading.
            seen = list(dict.fromkeys(map(violation_text, check["violations"])))
            for violation in seen if verbose else seen[:_SHOWN]:
                console.print(f"               {check['scenario']}{violation}")
    for cause in shared.widest_first:
        console.print(f"{len(cause.clauses)} clauses fell short of one cause: {cause.message}", style="bold")
        print_below(console, ", ".join(cause.clauses), 15)
        where = f", and in {len(cause.scenarios) - 1} more" if len(cause.scenarios) > 1 else ""
        print_below(console, f"seen first in {cause.scenarios[0]}{where}", 15)
    for fault in document["faults"]:
        for line in (f"fault of the harness in {fault['scenario']}:", *fault["message"].splitlines()):
            console.print(line)
    subject, counts = document["subject"], document["summary"]
    parts = [f"{level.upper()} {_counts(counts[level])}" for level in ("must", "should")]
    parts.append(_counts({"not_applicable": counts["not_applicable"]}))
    console.print(f"{subject['name']} {subject['version']}: {'; '.join(parts)}")


def _counts(by_status: dict[str, int]) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in by_status.items())


def _render_tracebacks(console: Console, results: Iterable[ScenarioResult]) -> None:
    for result in results:
        if result.traceback is not None:
            console.print(f"the subject raised in {result.scenario}:")
            print_below(console, result.traceback, 15, lines=True)
