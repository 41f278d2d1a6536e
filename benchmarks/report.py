"""How outcomes are shown: tables for people, JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.contest import NOT_MEASURED, Measured, Outcome, Ratio

FORMAT: Final = "harness.bench/1"


def show(outcome: Outcome, console: Console) -> None:
    """Print a table of the contestants and one of the ratios."""
    contest = outcome.contest
    table = Table(box=None, pad_edge=False)
    table.add_column("", min_width=38)
    table.add_column(f"median, {contest.unit}", justify="right", min_width=18)
    table.add_column("min – max", justify="right", min_width=20)
    for one in outcome.measured:
        table.add_row(one.contestant.name, *_cells(one))
    console.print(f"[bold]{contest.title}[/]", highlight=False)
    console.print(table)
    for one in outcome.measured:
        if one.failed:
            console.print(f"  {one.contestant.name}: {one.missing}", style="red", highlight=False, markup=False)
    for ratio in contest.ratios:
        console.print(f"  {_sentence(outcome, ratio)}", highlight=False)
    console.print()


def _cells(measured: Measured) -> tuple[str, str]:
    if measured.median is None:
        return "failed" if measured.failed else NOT_MEASURED, ""
    return _number(measured.median), f"{_number(min(measured.numbers))} – {_number(max(measured.numbers))}"


def _sentence(outcome: Outcome, ratio: Ratio) -> str:
    sides = ratio.of if ratio.under is None else f"{ratio.of} / {ratio.under}"
    value = outcome.value(ratio)
    if value is None:
        return f"{sides}: {NOT_MEASURED}"
    times = f"{_number(value)} {outcome.contest.unit}" if ratio.under is None else f"{_number(value)}×"
    if ratio.bound is None:
        return f"{sides}: {times}"
    word, limit = ratio.bound
    mark = "[green]reached[/]" if _reached(value, ratio) else "[red]not reached[/]"
    return f"{sides}: {times}, wanted {word} {limit:g}: {mark}"


def _reached(value: float, ratio: Ratio) -> bool | None:
    if ratio.bound is None:
        return None
    word, limit = ratio.bound
    return value >= limit if word == "at least" else value <= limit


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def as_json(outcomes: Sequence[Outcome], versions: dict[str, str], runs: int) -> dict[str, Any]:
    """Return everything measured: every number of every turn, medians, and ratios with what is wanted of them."""
    return {
        "format": FORMAT,
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
        "peers": versions,
        "runs": runs,
        "contests": [_contest_json(outcome) for outcome in outcomes],
    }


def _contest_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.contest.name,
        "unit": outcome.contest.unit,
        "contestants": [
            {
                "name": one.contestant.name,
                "numbers": list(one.numbers),
                "median": one.median,
                "min": min(one.numbers, default=None),
                "max": max(one.numbers, default=None),
                "missing": one.missing,
            }
            for one in outcome.measured
        ],
        "ratios": [_ratio_json(outcome, ratio) for ratio in outcome.contest.ratios],
    }


def _ratio_json(outcome: Outcome, ratio: Ratio) -> dict[str, Any]:
    value = outcome.value(ratio)
    return {
        "of": ratio.of,
        "under": ratio.under,
        "value": value,
        "wanted": None if ratio.bound is None else {ratio.bound[0].replace(" ", "_"): ratio.bound[1]},
        "reached": None if value is None else _reached(value, ratio),
    }
