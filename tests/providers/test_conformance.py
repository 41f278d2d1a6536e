"""Every provider's integration keeps the contract, whatever is done to its recorded answers."""

from __future__ import annotations

import pytest

from conformance.run.command import run_providers
from harness.shipped import shipped_providers


@pytest.mark.parametrize("provider", sorted(shipped_providers()))
def test_an_integration_keeps_every_clause_that_its_recordings_can_show(provider: str) -> None:
    outcome = run_providers([provider])
    assert outcome.faults == ()
    assert sorted(outcome.failures) == []
    assert outcome.exit_code() == 0
    assert {"llm.truncation", "llm.rechunk", "llm.errors", "llm.usage", "llm.tool-run"} <= {
        row.clause.id for row in outcome.clauses if row.status == "passed"
    }
