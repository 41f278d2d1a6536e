"""The checks: pure functions, evidence in, every violation out; one file per area of the contract.

`CHECKS` holds them by the clause that each decides, so which clauses have one is data.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.areas.channel import checks as channel
from conformance.areas.cleanup import checks as cleanup
from conformance.areas.entry import checks as entry
from conformance.areas.envelope import checks as envelope
from conformance.areas.error import checks as error
from conformance.areas.flow import checks as flow
from conformance.areas.llm import checks as llm
from conformance.areas.namespace import checks as namespace
from conformance.areas.order import checks as order
from conformance.areas.replay import checks as replay
from conformance.areas.result import checks as result
from conformance.areas.scope import checks as scope
from conformance.areas.session import checks as session
from conformance.areas.turn import checks as turn
from conformance.contract.clauses import clause
from conformance.timeline.check import Check, Violation

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
