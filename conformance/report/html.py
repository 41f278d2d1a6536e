"""The HTML page of a replay: one file that needs nothing else, no script, and no network."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from conformance.clauses import CLAUSES, Clause
from conformance.replaying import FORMAT
from conformance.report.case import result_name
from conformance.report.characters import legal
from harness.errors import UsageError
from harness.recording.atomic import write_atomically

#: What each status is called to a reader, with its mark, worst first; colour alone would tell not everybody.
_STATUSES: Final = MappingProxyType(
    {"error": ("!", "error"), "failed": ("✗", "failed"), "passed": ("✓", "passed"), "not-a-call": ("–", "not a call")}
)


def write(document: Mapping[str, Any], folder: Path) -> Path:
    """Write the page of a replay's JSON document as `index.html` in `folder`, in one step, and return its path.

    Raises:
        UsageError: the document is of another format.
        RecordingError: the page can't be written.
    """
    if document.get("format") != FORMAT:
        raise UsageError(f"a page can be made of {FORMAT!r}, not of {document.get('format')!r}")
    results: list[dict[str, Any]] = document["results"]
    page = _template().render(
        verdict=_verdict(document["summary"]),
        summary=document["summary"],
        statuses=_STATUSES,
        files=_files(results),
        broken=_broken(results),
    )
    path = folder / "index.html"
    write_atomically(path, legal(page).encode())
    return path


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The headline; `status` gives its colour."""

    status: str
    text: str


def _verdict(summary: Mapping[str, Any]) -> _Verdict:
    """Return the headline that agrees with the command's exit code: what could not be judged outranks what failed."""
    failed, errors, judged = summary["failed"], summary["errors"], summary["passed"] + summary["failed"]
    fell = f"{failed:,} of {judged:,} fell short"
    if errors:
        return _Verdict("error", f"{errors:,} could not be judged" + (f", {fell}" if failed else ""))
    if not judged:
        return _Verdict("error", "Nothing was checked")
    if failed:
        return _Verdict("failed", fell)
    return _Verdict("passed", f"All {judged:,} hold" if judged > 1 else "The one result holds")


@dataclass(frozen=True, slots=True)
class _Row:
    """One result with what the page adds to it."""

    #: Unique on the page, for links within it.
    anchor: str
    name: str
    result: Mapping[str, Any]
    #: The model's tool calls as source-like text.
    calls: tuple[str, ...]

    @property
    def fell(self) -> bool:
        return self.result["status"] in {"failed", "error"}


@dataclass(frozen=True, slots=True)
class _File:
    """The results of one path, in the document's order."""

    #: With its last slash, or empty.
    parent: str
    name: str
    rows: tuple[_Row, ...]
    #: How many results there are of each status, worst first.
    tally: Mapping[str, int]

    @property
    def fell(self) -> bool:
        return any(row.fell for row in self.rows)


def _files(results: Iterable[dict[str, Any]]) -> list[_File]:
    rows: defaultdict[str, list[_Row]] = defaultdict(list)
    for number, result in enumerate(results, start=1):
        calls = tuple(map(_call, result["tool_calls"]))
        rows[result["path"]].append(_Row(f"result-{number}", result_name(result), result, calls))
    return [_file(path, tuple(members)) for path, members in rows.items()]


def _file(path: str, rows: tuple[_Row, ...]) -> _File:
    parent, slash, name = path.rpartition("/")
    count = Counter(row.result["status"] for row in rows)
    return _File(parent + slash, name, rows, {status: count[status] for status in _STATUSES if count[status]})


def _call(call: Mapping[str, Any]) -> str:
    function = call.get("function")
    if not isinstance(function, Mapping):
        # A runtime that breaks llm.tool-run gives calls of another shape; they are shown as they came.
        return orjson.dumps(call).decode()
    return f"{function.get('name')}({function.get('arguments')})"


@dataclass(frozen=True, slots=True)
class _Broken:
    """A clause that results break."""

    id: str
    #: None where this version's contract does not have it.
    clause: Clause | None
    violations: int
    results: int


def _broken(results: Iterable[dict[str, Any]]) -> list[_Broken]:
    """Return the broken clauses, the most widely broken first."""
    per_result = [Counter(violation["clause"] for violation in result["violations"]) for result in results]
    violations = sum(per_result, Counter[str]())
    spread = Counter(clause for counter in per_result for clause in counter)
    return [_Broken(id_, CLAUSES.get(id_), violations[id_], results) for id_, results in spread.most_common()]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("conformance", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("replay.html.jinja")
