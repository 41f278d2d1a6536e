"""The same broken runtimes before a judge that lacks one check: `conformance.proof.unchecked:NAME/CLAUSE`.

That a saboteur goes free then is the proof that this very check had caught it.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.areas.checks import Check
from conformance.proof import SabotagedSubject, saboteurs


def __getattr__(name: str) -> SabotagedSubject:
    found, _, clause = name.partition("/")
    if not clause or found not in saboteurs():
        raise AttributeError(
            f"there is no saboteur and clause {name!r}; name them as in first-number-twice/order.seq-gapless"
        )

    def without(checks: Mapping[str, Check]) -> Mapping[str, Check]:
        return {decides: check for decides, check in checks.items() if decides != clause}

    broken = saboteurs()[found]
    subject = SabotagedSubject((broken.target, broken.breaks), ("conformance.run.judge:CHECKS", without))
    subject.address = broken.address
    return subject
