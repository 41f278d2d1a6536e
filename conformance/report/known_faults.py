"""Faults of a runtime that were known before it was tested, held against a run: each must be found by its clause."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec

from conformance.contract.clauses import clause
from harness.errors import ConformanceError
from harness.recording import load_toml

#: The most bytes of a list.
_LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KnownFault:
    """What users of a runtime have met, and where a run of the suite must show it."""

    says: str
    #: The clause that it breaks.
    clause: str
    #: A glob for the scenarios that show it, as in `close/*/collected/*`.
    scenarios: str


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """What a run says about a known fault."""

    fault: KnownFault
    #: Whether the clause applies to the runtime; where it does not, nothing is claimed and nothing can be found.
    applies: bool
    #: How many of the scenarios broke the clause, and how many decided it.
    found: int
    decided: int


def read_known(path: Path) -> tuple[KnownFault, ...]:
    """Return the faults that a TOML file lists as `[[fault]]` with `says`, `clause` and `scenarios`.

    Raises:
        ConformanceError: it can't be read, an entry has other keys, or the contract has no such clause.
        UnreadableRecordingError: it is no plain file, or more than is read of one.
    """
    try:
        rows = load_toml(path, limit=_LARGEST)["fault"]
        faults = tuple(msgspec.convert(row, KnownFault) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise ConformanceError(f"'{path}' is no list of known faults ({type(error).__name__}: {error})") from error
    for fault in faults:
        clause(fault.clause)
    return faults


def held(document: dict[str, Any], faults: tuple[KnownFault, ...]) -> tuple[FaultSeen, ...]:
    """Hold a run's document, `harness.conformance/1`, against known faults."""
    rows = {row["id"]: row for row in document["clauses"]}
    return tuple(_seen(fault, rows.get(fault.clause)) for fault in faults)


def _seen(fault: KnownFault, row: dict[str, Any] | None) -> FaultSeen:
    if row is None or row["status"] == "not-applicable":
        return FaultSeen(fault, applies=False, found=0, decided=0)
    shown = [check for check in row["checks"] if fnmatchcase(check["scenario"], fault.scenarios)]
    broken = [check for check in shown if check["status"] == "failed"]
    return FaultSeen(fault, applies=True, found=len(broken), decided=len(shown))
