"""Tern's integration keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import LLMConformance


class TestTern(LLMConformance):
    @pytest.fixture
    def recordings(self) -> Path:
        return Path(__file__).parent / "recordings"
