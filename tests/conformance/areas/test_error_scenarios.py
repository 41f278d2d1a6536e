"""What is said of a runtime that can't be brought to fail."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from conformance.areas.catalogue import scenarios
from conformance.run.suite import perform
from conformance.subjects.harness import HarnessSubject
from harness import StreamSession


class Unfinished(HarnessSubject):
    """Knows no step that a flow can have."""

    def session(self, program: Any, performance: Any) -> StreamSession[Any]:
        def run() -> NoReturn:
            raise NotImplementedError("no such step")

        return StreamSession(run)


@pytest.mark.parametrize("place", ["sync-method", "inner-flow"])
def test_what_a_run_raised_in_place_of_what_was_due_is_told(place: str) -> None:
    result = perform(Unfinished(), scenarios()[f"error/LookupError/{place}/sync"])

    says = "the run never came to the part of it that fails; it raised NotImplementedError('no such step')"
    assert {each.message for decision in result.decisions for each in decision.violations} == {says}
