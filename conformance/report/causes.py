"""What made several clauses fall short at once: where the same was seen, it is one finding and not many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: What differs from run to run and tells nothing: addresses, ids and numbers of tasks.
_VOLATILE: Final = re.compile(r" at 0x[0-9a-f]+|(?<=Task-)\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
#: The statuses of what fell short.
FELL: Final = frozenset({"failed", "not-testable"})


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that was seen, and all that it made fall short."""

    message: str
    #: At least two, in the order of the contract.
    clauses: tuple[str, ...]
    #: Where it was seen, in the order of the report.
    scenarios: tuple[str, ...]


class SharedCauses:
    """What made several clauses fall short in a run of the suite: what the first violations of their checks say."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        seen: dict[str, tuple[str, dict[str, None], dict[str, None]]] = {}
        for row in document["clauses"]:
            for check in row["checks"]:
                message = first_message(check)
                if message is not None:
                    _, clauses, scenarios = seen.setdefault(stable(message), (message, {}, {}))
                    clauses[row["id"]] = scenarios[check["scenario"]] = None
        self._by_words = {
            words: Cause(message, tuple(clauses), tuple(scenarios))
            for words, (message, clauses, scenarios) in seen.items()
            if len(clauses) > 1
        }

    @property
    def widest_first(self) -> list[Cause]:
        return sorted(self._by_words.values(), key=lambda cause: -len(cause.clauses))

    def of(self, check: Mapping[str, Any]) -> Cause | None:
        """Return what made a check fall short, where it did so with others too."""
        message = first_message(check)
        return None if message is None else self._by_words.get(stable(message))

    def of_all(self, row: Mapping[str, Any]) -> Cause | None:
        """Return the widest cause for which a clause fell short, where each of its scenarios has a shared one."""
        found = [self.of(check) for check in row["checks"] if check["status"] in FELL]
        shared = [cause for cause in found if cause is not None]
        return max(shared, key=lambda cause: len(cause.clauses)) if shared and len(shared) == len(found) else None


def stable(message: str) -> str:
    """Return what a message says in every run."""
    return _VOLATILE.sub("…", message)


def first_message(check: Mapping[str, Any]) -> str | None:
    """Return what was seen first where a check fell short."""
    if check["status"] not in FELL or not check["violations"]:
        return None
    message: str = check["violations"][0]["message"]
    return message
