"""The small value that the writer of test reports takes, and how each kind of result becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

CaseStatus = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    #: What the case belongs to, such as the path of a cassette.
    suite: str
    #: Unique in its suite, and the same in the next run.
    name: str
    #: `failed`: it was judged and fell short; `error`: it could not be judged; `skipped`: there was nothing to judge.
    status: CaseStatus
    message: str | None = None
    #: What bears the message out, one line each.
    details: tuple[str, ...] = ()


_OUTCOMES: Final[dict[str, CaseStatus]] = {
    "passed": "passed",
    "failed": "failed",
    "error": "error",
    "not-a-call": "skipped",
}


def replay_cases(document: Mapping[str, Any]) -> list[Case]:
    """Return one case per result of the JSON document of a replay, in its order."""
    return [
        Case(
            suite=result["path"],
            name=result_name(result),
            status=_OUTCOMES[result["status"]],
            message=result["message"],
            details=(
                *(f"{violation['clause']}{violation_text(violation)}" for violation in result["violations"]),
                *result["diff"],
            ),
        )
        for result in document["results"]
    ]


def suite_cases(document: Mapping[str, Any]) -> Iterator[Case]:
    """Yield one case for each clause and scenario of the JSON document of the suite, and for each clause that nothing decided."""
    for row in document["clauses"]:
        if row["status"] == "not-applicable":
            yield Case("conformance", row["id"], "skipped", "not applicable")
        elif not row["checks"]:
            yield Case("conformance", row["id"], "failed", "no scenario decides it")
        for check in row["checks"]:
            bad, found = check["status"] != "passed", check["violations"]
            message = (found[0]["message"] if found else check["status"]) if bad else None
            details = tuple(violation_text(violation).removeprefix(": ").removeprefix(" at ") for violation in found)
            name = f"{row['id']}[{check['scenario']}]"
            yield Case("conformance", name, "failed" if bad else "passed", message, details)
    for fault in document["faults"]:
        yield Case("conformance", fault["scenario"], "error", fault["message"])


def result_name(result: Mapping[str, Any]) -> str:
    """Return what a replay's result is called within its file: `recording`, `interaction 3`, or `cassette` for one unreadable."""
    return str(result["kind"]) if result["interaction"] is None else f"interaction {result['interaction']}"


def violation_text(violation: Mapping[str, Any]) -> str:
    """Return what is said of a violation behind the name of its clause, or of its scenario."""
    at = "" if violation["seq"] is None else f" at frame {violation['seq']}"
    return f"{at}: {violation['message']}"
