"""The saboteurs before a judge that lacks the verdict on one clause, by addresses that end in `:NAME/CLAUSE`.

That a saboteur goes free then is the proof that this very verdict had caught it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.contract.clauses import Clause
from conformance.proof import SabotagedSubject, saboteurs


def __getattr__(name: str) -> SabotagedSubject:
    found, _, clause = name.partition("/")
    if not clause:
        raise AttributeError(name)

    def without(broken_by: Callable[..., Any]) -> Callable[..., Any]:
        def judged(row: Clause, *evidence: Any, **more: Any) -> Any:
            return None if row.id == clause else broken_by(row, *evidence, **more)

        return judged

    broken = saboteurs()[found]
    subject = SabotagedSubject((broken.target, broken.breaks), ("conformance.run.judge:broken_by", without))
    subject.address = broken.address
    return subject
