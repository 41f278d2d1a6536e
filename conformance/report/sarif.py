"""SARIF 2.1.0, as code hosts show it beside a change: one result for each thing that fell short, one rule per clause.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (read November 2026).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from conformance.contract.clauses import CLAUSES
from conformance.report.case import result_name
from conformance.report.causes import SharedCauses, stable
from conformance.report.characters import legal
from conformance.report.reruns import result_rerun, scenario_rerun
from conformance.run import outcome, replay
from harness.errors import UsageError
from harness.import_path import version_of
from harness.recording import write_atomically

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: The rule of a replay that gives other frames than were recorded.
_CHANGED: Final = "replay.changed"
_RULES: Final = {_CHANGED: "A recording that is replayed gives the frames that were recorded."}


class _Result(Struct, frozen=True):
    rule: str
    message: str
    #: What stays the same from run to run while the finding does.
    identity: str
    #: The file that it is about, and the place in it or in the suite.
    file: str | None
    place: str
    seq: int | None = None


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a JSON document of a replay or a run of the suite as SARIF to `path`."""
    if document.get("format") == outcome.FORMAT:
        results = list(_of_suite(document))
        troubles = [f"{fault['scenario']}: {fault['message']}" for fault in document["faults"]]
    elif document.get("format") == replay.FORMAT:
        results = list(_of_replay(document))
        errors = (result for result in document["results"] if result["status"] == "error")
        troubles = [f"{result['path']}, {result_name(result)}: {result['message']}" for result in errors]
    else:
        raise UsageError(
            f"SARIF can be made of {outcome.FORMAT!r} or {replay.FORMAT!r}, not of {document.get('format')!r}"
        )
    text = json.dumps(_log(results, troubles), indent=2, ensure_ascii=False)
    write_atomically(path, (legal(text) + "\n").encode())


def _log(results: list[_Result], troubles: list[str]) -> dict[str, Any]:
    rules = list(dict.fromkeys(result.rule for result in results))
    driver = {
        "name": "stream-harness",
        "version": version_of("stream-harness"),
        "rules": [_rule(rule) for rule in rules],
    }
    notifications = [{"level": "error", "message": {"text": trouble}} for trouble in troubles]
    invocation = {"executionSuccessful": not troubles, "toolExecutionNotifications": notifications}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_entry(result, rules.index(result.rule)) for result in results],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(id_: str) -> dict[str, Any]:
    clause = CLAUSES.get(id_)
    says = clause.statement if clause is not None else _RULES.get(id_, id_)
    return {
        "id": id_,
        "shortDescription": {"text": " ".join(says.split())},
        "defaultConfiguration": {"level": _level(id_)},
    }


def _level(rule: str) -> str:
    clause = CLAUSES.get(rule)
    return "warning" if clause is not None and clause.level == "SHOULD" else "error"


def _entry(result: _Result, rule: int) -> dict[str, Any]:
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": result.place, "kind": "object"}]}
    if result.file is not None:
        place["physicalLocation"] = {"artifactLocation": {"uri": _uri(result.file)}}
    # A path that is no UTF-8 has lone surrogates.
    identity = result.identity.encode("utf-8", "surrogatepass")
    entry = {
        "ruleId": result.rule,
        "ruleIndex": rule,
        "level": _level(result.rule),
        "message": {"text": result.message},
        "locations": [place],
        "partialFingerprints": {"finding/v1": hashlib.sha256(identity).hexdigest()[:32]},
    }
    return entry if result.seq is None else {**entry, "properties": {"frame": result.seq}}


def _uri(file: str) -> str:
    path = PurePath(file)
    try:
        return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
    except UnicodeEncodeError:
        # No file is called so: somebody else has written the report.
        return quote(legal(file))


def _of_suite(document: Mapping[str, Any]) -> Iterator[_Result]:
    """Yield one result for each clause and scenario, or one for all that have the same cause."""
    shared = SharedCauses(document)
    reported = set()
    for row in document["clauses"]:
        bad = [check for check in row["checks"] if check["status"] in ("failed", "not-testable")]
        if not bad and row["status"] == "not-testable":
            yield _Result(row["id"], "no scenario decides it", row["id"], None, "no scenario")
        for check in bad:
            cause = shared.of(check)
            if cause in reported:
                continue
            seen = check["violations"][0] if check["violations"] else {"seq": None, "message": check["status"]}
            text = f"{check['scenario']}: {seen['message']}"
            if cause is not None:
                reported.add(cause)
                text = f"{text}\nIt made {len(cause.clauses)} clauses fall short: {', '.join(cause.clauses)}"
            again = scenario_rerun(document, row["id"], check["scenario"])
            identity = f"{row['id']}\n{check['scenario']}\n{stable(seen['message'])}"
            text = text if again is None else f"{text}\nAgain: {again}"
            yield _Result(row["id"], text, identity, None, check["scenario"], seen["seq"])


def _of_replay(document: Mapping[str, Any]) -> Iterator[_Result]:
    for result in document["results"]:
        if result["status"] != "failed":
            continue
        name, again = result_name(result), f"Again: {result_rerun(result)}"
        for violation in result["violations"]:
            identity = f"{violation['clause']}\n{result['path']}\n{name}\n{stable(violation['message'])}"
            text = f"{violation['message']}\n{again}"
            yield _Result(violation["clause"], text, identity, result["path"], name, violation["seq"])
        changes = [*filter(None, [result["message"]]), *result["diff"]]
        if changes:
            text = "\n".join([*changes[:10], again])
            yield _Result(_CHANGED, text, f"{result['path']}\n{name}", result["path"], name)
