"""What the page of a run of the suite shows, from its JSON document: the clauses by area, and what broke them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final, TypeVar

from msgspec import Struct

from conformance.contract.clauses import AREAS, CAPABILITIES, CLAUSES, Clause
from conformance.report.causes import FELL, Cause, SharedCauses, first_message
from conformance.report.headlines import Fallen, Headline, Tile
from conformance.report.reruns import scenario_rerun
from harness.recording import counted

T = TypeVar("T")

#: What each status is called to a reader, with its mark, worst first; colour alone would tell not everybody.
STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "error": ("!", "error"),
    "failed": ("✗", "failed"),
    "not-testable": ("?", "not testable"),
    "passed": ("✓", "passed"),
    "not-applicable": ("–", "not applicable"),
}
#: A clause with more violations than these shows the first until it is unfolded.
_FOLDED_ABOVE: Final = 20


def content(document: Mapping[str, Any]) -> dict[str, Any]:
    declared = frozenset(document["subject"]["capabilities"])
    rows = [_row(clause, declared) for clause in document["clauses"]]
    return {
        "statuses": STATUSES,
        "verdict": verdict(document),
        "counts": _tally(rows),
        "tiles": _tiles(document["summary"]),
        "fallen": _fallen(document, rows),
        "command": document.get("command"),
        "again": partial(scenario_rerun, document),
        "subject": document["subject"],
        "undeclared": [name for name in CAPABILITIES if name not in declared],
        "faults": document["faults"],
        "surprises": _surprises(document.get("baseline"), rows),
        "areas": [_area(*area) for area in by_area(rows, lambda row: row.area)],
        "folded_above": _FOLDED_ABOVE,
        "timelines": _timelines(rows),
    }


class _ClauseRow(Struct, frozen=True):
    id: str
    area: str
    level: str
    status: str
    checks: Sequence[Mapping[str, Any]]
    #: None where this version's contract does not have it.
    clause: Clause | None
    #: What it needs and the subject does not declare.
    lacking: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return f"clause-{self.id}"

    @property
    def fell(self) -> bool:
        """Whether it counts as a failure; so does one that does not apply, when a scenario that is for it fails as a whole."""
        return self.status in FELL or any(check["status"] in FELL for check in self.checks)

    @property
    def shown(self) -> str:
        return self.status if self.status in FELL else "failed"

    @property
    def violations(self) -> int:
        return sum(len(check["violations"]) for check in self.checks)

    @property
    def first(self) -> str | None:
        messages = (violation["message"] for check in self.checks for violation in check["violations"])
        return next(messages, None)


def _row(clause: Mapping[str, Any], declared: frozenset[str]) -> _ClauseRow:
    known = CLAUSES.get(clause["id"])
    lacking = tuple(sorted(known.capabilities - declared)) if known else ()
    area = clause["id"].partition(".")[0]
    return _ClauseRow(clause["id"], area, clause["level"], clause["status"], clause["checks"], known, lacking)


def _timelines(rows: Iterable[_ClauseRow]) -> tuple[int, int]:
    """Return how many violations that a frame shows lead to a timeline, and how many there are."""
    shown = [
        "timeline" in violation
        for row in rows
        for check in row.checks
        for violation in check["violations"]
        if violation["seq"] is not None
    ]
    return sum(shown), len(shown)


def by_area(rows: Iterable[T], area_of: Callable[[T], str]) -> list[tuple[str, str, list[T]]]:
    """Return the rows of each area, in their order, with its name and what the contract says beside that."""
    titles = {area.name: area.title.removeprefix(area.name) for area in AREAS}
    return [(name, titles.get(name, ""), list(members)) for name, members in groupby(rows, key=area_of)]


def _area(name: str, title: str, rows: Sequence[_ClauseRow]) -> dict[str, Any]:
    fallen = any(row.fell for row in rows)
    return {"name": name, "title": title, "rows": rows, "tally": _tally(rows), "fell": fallen}


def _tally(rows: Iterable[_ClauseRow]) -> dict[str, int]:
    count = Counter(row.status for row in rows)
    return {status: count[status] for status in STATUSES if count[status]}


def _fallen(document: Mapping[str, Any], rows: Sequence[_ClauseRow]) -> list[Fallen]:
    """Return what fell short, the widest first: those with one cause in common as one."""
    shared = SharedCauses(document)
    alone, together = [], defaultdict[Cause, list[_ClauseRow]](list)
    for row, entry in zip(rows, document["clauses"], strict=True):
        cause = shared.of_all(entry) if row.fell else None
        if cause is not None:
            together[cause].append(row)
        elif row.fell:
            own = (first_message(check) for check in entry["checks"] if shared.of(check) is None)
            message = next(filter(None, own), row.first)
            alone.append(Fallen(row.shown, ((row.anchor, row.id),), message))
    folded = [
        Fallen(fell[0].shown, tuple((row.anchor, row.id) for row in fell), cause.message)
        for cause, fell in together.items()
    ]
    return sorted(folded, key=lambda finding: -len(finding.links)) + alone


def fell(row: Mapping[str, Any]) -> bool:
    return _row(row, frozenset()).fell


def verdict(document: Mapping[str, Any]) -> Headline:
    """Return the headline that agrees with the command's exit code: a fault of the suite outranks what fell short."""
    rows = [_row(clause, frozenset(document["subject"]["capabilities"])) for clause in document["clauses"]]
    faults = len(document["faults"])
    if faults:
        return Headline("error", f"The suite itself failed in {counted(faults, 'scenario')}")
    if not any(row.status in ("passed", "failed") for row in rows):
        return Headline("error", "Nothing was checked")
    if "baseline" in document:
        return _against(document["baseline"], sum(row.fell for row in rows))
    applicable = [row for row in rows if row.status != "not-applicable" or row.fell]
    levels = {level: [row for row in applicable if row.level == level] for level in ("MUST", "SHOULD")}
    fell = {level: sum(row.fell for row in of_level) for level, of_level in levels.items()}
    if any(fell.values()):
        fallen = [f"{count:,} of {len(levels[level]):,} {level}s" for level, count in fell.items() if count]
        return Headline("failed" if fell["MUST"] else "passed", ", ".join(fallen) + " fell short")
    return Headline(
        "passed", f"All {len(applicable):,} clauses hold" if len(applicable) > 1 else "The one clause holds"
    )


def _against(baseline: Mapping[str, Any], fell: int) -> Headline:
    new, stale = len(baseline["new"]), len(baseline["stale"])
    surprises = [counted(new, "new failure")] if new else []
    surprises += [counted(stale, "stale entry", "stale entries")] if stale else []
    if surprises:
        return Headline("failed", ", ".join(surprises))
    return Headline("passed", f"As expected: {counted(fell, 'clause')} fell short" if fell else "As expected: all hold")


def _tiles(summary: Mapping[str, Any]) -> list[Tile]:
    tiles = [
        Tile(f"{level.upper()} {STATUSES[status][1]}", summary[level][status.replace("-", "_")], status)
        for level in ("must", "should")
        for status in ("passed", "failed", "not-testable")
    ]
    return [*tiles, Tile("not applicable", summary["not_applicable"], "not-applicable")]


def _surprises(baseline: Mapping[str, Any] | None, rows: Sequence[_ClauseRow]) -> list[dict[str, Any]]:
    """Return the failures that the baseline does not know, and its entries that did not fail."""
    anchors = {row.id: row.anchor for row in rows}
    kinds = (("new", "new failure"), ("stale", "stale entry: it did not fail"))
    return [
        # A clause that is not on the page has no anchor.
        {**entry, "kind": kind, "anchor": anchors.get(entry["clause"])}
        for key, kind in kinds
        for entry in (baseline or {key: ()})[key]
    ]
