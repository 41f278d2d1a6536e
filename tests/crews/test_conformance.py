"""This runtime's crews keep the contract, clause by clause."""

from __future__ import annotations

import pytest

from conformance import CrewConformance
from conformance.subjects.harness import HarnessSubject


class TestCrews(CrewConformance):
    @pytest.fixture
    def subject(self) -> HarnessSubject:
        return HarnessSubject()
