"""What the page of a replay shows, from its JSON document: the results by file, and the clauses that they break."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from conformance.contract.clauses import CLAUSES
from conformance.report.case import result_name
from conformance.report.headlines import Fallen, Headline, Tile
from conformance.report.reruns import timeline_rerun

#: What each status is called to a reader, with its mark, worst first; colour alone would tell not everybody.
_STATUSES: Final = {
    "error": ("!", "error"),
    "failed": ("✗", "failed"),
    "passed": ("✓", "passed"),
    "not-a-call": ("–", "not a call"),
}
#: How the summary counts each status, in the order in which a reader wants them.
_COUNTS: Final = {"passed": "passed", "failed": "failed", "error": "errors", "not-a-call": "not_a_call"}
#: A place in a list, as a message names it.
_PLACE = re.compile(r"\[\d+\]")


def content(document: Mapping[str, Any]) -> dict[str, Any]:
    results: list[dict[str, Any]] = document["results"]
    summary = document["summary"]
    counts = {status: summary[name] for status, name in _COUNTS.items()}
    files = _files(results)
    return {
        "statuses": _STATUSES,
        "verdict": verdict(summary),
        "counts": counts,
        "tiles": [
            *(Tile(_STATUSES[status][1], count, status) for status, count in counts.items()),
            *(Tile(name, summary[name]) for name in ("files", "interactions", "seconds")),
        ],
        "fallen": [_fallen(row) for file in files for row in file["rows"] if row.fell],
        "files": files,
        "broken": _broken(results),
        "reasons": reasons(results),
        "timeline_rerun": timeline_rerun,
    }


def verdict(summary: Mapping[str, Any]) -> Headline:
    """Return the headline that agrees with the command's exit code: what could not be judged outranks what failed."""
    failed, errors, judged = summary["failed"], summary["errors"], summary["passed"] + summary["failed"]
    fell = f"{failed:,} of {judged:,} fell short"
    if errors:
        return Headline("error", f"{errors:,} could not be judged" + (f", {fell}" if failed else ""))
    if not judged:
        return Headline("error", "Nothing was checked")
    if failed:
        return Headline("failed", fell)
    return Headline("passed", f"All {judged:,} hold" if judged > 1 else "The one result holds")


@dataclass(frozen=True, slots=True)
class _ResultRow:
    #: Unique on the page, for links within it.
    anchor: str
    name: str
    result: Mapping[str, Any]
    #: The model's tool calls as source-like text.
    calls: tuple[str, ...]

    @property
    def fell(self) -> bool:
        return self.result["status"] in {"failed", "error"}


def _files(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    rows: defaultdict[str, list[_ResultRow]] = defaultdict(list)
    for number, result in enumerate(results, start=1):
        calls = tuple(map(_call, result["tool_calls"]))
        rows[result["path"]].append(_ResultRow(f"result-{number}", result_name(result), result, calls))
    return [_file(path, members) for path, members in rows.items()]


def _file(path: str, rows: Sequence[_ResultRow]) -> dict[str, Any]:
    parent, slash, name = path.rpartition("/")
    count = Counter(row.result["status"] for row in rows)
    tally = {status: count[status] for status in _STATUSES if count[status]}
    return {"parent": parent + slash, "name": name, "rows": rows, "tally": tally, "fell": any(row.fell for row in rows)}


def _fallen(row: _ResultRow) -> Fallen:
    title = row.result["path"] + ("" if row.result["interaction"] is None else f" · {row.name}")
    return Fallen(row.result["status"], ((row.anchor, title),), row.result["message"])


def _call(call: Mapping[str, Any]) -> str:
    function = call.get("function")
    if not isinstance(function, Mapping):
        # A runtime that breaks llm.tool-run gives calls of another shape; they are shown as they came.
        return json.dumps(call, ensure_ascii=False, separators=(",", ":"))
    return f"{function.get('name')}({function.get('arguments')})"


def _broken(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the broken clauses, the most widely broken first; one that this version's contract does not have is None."""
    per_result = [Counter(violation["clause"] for violation in result["violations"]) for result in results]
    violations = sum(per_result, Counter[str]())
    spread = Counter(clause for counter in per_result for clause in counter)
    return [
        {"id": id_, "clause": CLAUSES.get(id_), "violations": violations[id_], "results": results}
        for id_, results in spread.most_common()
    ]


def reasons(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return why results are errors, but for places in lists and files' names, and how often each, most first."""
    counted = Counter(
        _PLACE.sub("[…]", (result["message"] or "").replace(PurePath(result["path"]).name, "…"))
        for result in results
        if result["status"] == "error"
    )
    return counted.most_common()
