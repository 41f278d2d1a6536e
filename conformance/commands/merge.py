"""`harness merge`: the reports of shards as one."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.reports import Reports, report_options
from harness.commands.output import console_for, json_option
from harness.commands.progress import at_work


@click.command()
@click.argument("shards", metavar="REPORTS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--expect", type=click.Path(path_type=Path), metavar="FILE", help="Known failures of a conformance run.")
@report_options
@json_option
def merge(shards: tuple[Path, ...], expect: Path | None, reports: Reports, json_file: Path | None) -> int:
    """Join the JSON reports of all shards of a replay or a conformance run into one, as an undivided run makes it.

    \b
    Example:
      harness replay recordings --shard 1/2 --json one.json
      harness replay recordings --shard 2/2 --json two.json
      harness merge one.json two.json --json report.json

    \b
    JSON: that of harness replay, or of harness conformance
    """
    from conformance.commands.conformance import hold, render_outcome
    from conformance.commands.replay import render_summary
    from conformance.run import baseline, replay as replaying
    from conformance.run.merge import merged_replay, merged_suite
    from conformance.run.report_files import shard_report

    with at_work("reading reports"):
        read = list(map(shard_report, shards))
    console = console_for(json_file)
    if all(report["format"] == replaying.FORMAT for report in read):
        if expect is not None:
            raise click.UsageError("--expect is for the reports of harness conformance")
        replayed = merged_replay(read)
        document = replaying.report(replayed, float(sum(report["summary"]["seconds"] for report in read)))
        render_summary(console, document)
        reports.write(document, json_file, replayed)
        return replaying.exit_code(replayed)
    outcome, results = merged_suite(read)
    document = outcome.document()
    render_outcome(console, document)
    code = outcome.exit_code()
    if expect is not None and code != 2:
        expected = baseline.read(expect)
        expected.check_subject(outcome.subject)
        code = hold(console, outcome, expected, document)
    reports.write(document, json_file, results)
    return code
