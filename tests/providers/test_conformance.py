"""Every provider's integration keeps the contract, whatever is done to its recorded answers."""

from __future__ import annotations

import pytest

from harness.shipped import shipped_providers
from tests.conformance.providers.provider_outcome import outcome_of

#: One of each large family of wire formats; what the others are asked through, these are asked through too.
ALWAYS = {"anthropic", "openai"}


@pytest.mark.parametrize(
    "provider",
    [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in sorted(shipped_providers())],
)
def test_an_integration_keeps_every_clause_that_its_recordings_can_show(provider: str) -> None:
    outcome = outcome_of([provider])
    assert outcome.faults == ()
    assert sorted(outcome.failures) == []
    assert outcome.exit_code() == 0
    assert {"llm.truncation", "llm.rechunk", "llm.errors", "llm.usage", "llm.tool-run"} <= {
        row.clause.id for row in outcome.clauses if row.status == "passed"
    }
