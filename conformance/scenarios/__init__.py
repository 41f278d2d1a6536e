"""All scenarios, one module per area."""

from __future__ import annotations

from functools import cache

from conformance.scenario import Scenario
from conformance.scenarios import (
    calls,
    cleanup,
    closing,
    conversations,
    crews,
    crews_in_flows,
    entries,
    errors,
    handlers,
    look_ahead,
    pauses,
    recorded,
    replays,
    restores,
    results,
    scopes,
    sessions,
    surfaces,
    timelines,
    turns,
    vocabulary,
)


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
