"""All scenarios, one module per area."""

from __future__ import annotations

from functools import cache

from conformance.areas.channel import scenarios as vocabulary
from conformance.areas.cleanup import closing, scenarios as cleanup
from conformance.areas.crew import in_flows as crews_in_flows, scenarios as crews
from conformance.areas.entry import scenarios as entries
from conformance.areas.error import scenarios as errors
from conformance.areas.flow import restores, scenarios as pauses
from conformance.areas.llm import recorded, scenarios as calls
from conformance.areas.order import handlers, scenarios as timelines
from conformance.areas.replay import scenarios as replays
from conformance.areas.result import scenarios as results
from conformance.areas.scope import scenarios as scopes
from conformance.areas.session import look_ahead, scenarios as sessions, surfaces
from conformance.areas.turn import conversations, scenarios as turns
from conformance.stage.scenario import Scenario


@cache
def scenarios() -> tuple[Scenario, ...]:
    """Return every scenario, in the order in which reports show them."""
    every = (
        *timelines.SCENARIOS,
        *vocabulary.SCENARIOS,
        *recorded.SCENARIOS,
        *handlers.SCENARIOS,
        *surfaces.SCENARIOS,
        *sessions.SCENARIOS,
        *look_ahead.SCENARIOS,
        *results.SCENARIOS,
        *errors.SCENARIOS,
        *closing.SCENARIOS,
        *cleanup.SCENARIOS,
        *scopes.SCENARIOS,
        *entries.SCENARIOS,
        *crews.SCENARIOS,
        *crews_in_flows.SCENARIOS,
        *calls.SCENARIOS,
        *turns.SCENARIOS,
        *conversations.SCENARIOS,
        *pauses.SCENARIOS,
        *restores.SCENARIOS,
        *replays.SCENARIOS,
    )
    names = [one.id for one in every]
    if len(set(names)) != len(names):
        raise ValueError(f"two scenarios have one id: {sorted({name for name in names if names.count(name) > 1})}")
    return every
