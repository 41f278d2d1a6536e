"""The checks: pure functions, evidence in, every violation out; one file per area of the contract.

`CHECKS` holds them by the clause that each decides, so which clauses have one is data.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.checks import (
    channel,
    cleanup,
    entry,
    envelope,
    error,
    flow,
    llm,
    namespace,
    order,
    replay,
    result,
    scope,
    session,
    turn,
)
from conformance.checks.check import Check, Violation
from conformance.clauses import clause

__all__ = ["CHECKS", "Check", "Violation"]

#: Every check by the id of its clause, in the order of the contract.
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        clause(check.clause).id: check
        for area in (
            envelope,
            channel,
            namespace,
            order,
            session,
            result,
            error,
            cleanup,
            scope,
            entry,
            llm,
            turn,
            flow,
            replay,
        )
        for check in area.CHECKS
    }
)
