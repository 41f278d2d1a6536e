"""Every provider's integration, as rows of the tests that all must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from tests.providers.integrations.anthropic import ANTHROPIC
from tests.providers.integrations.azure import AZURE
from tests.providers.integrations.bedrock import BEDROCK
from tests.providers.integrations.gemini import GEMINI
from tests.providers.integrations.integration import Integration
from tests.providers.integrations.openai_chat import OPENAI_CHAT
from tests.providers.integrations.openai_responses import OPENAI_RESPONSES

__all__ = [
    "ANTHROPIC",
    "AZURE",
    "BEDROCK",
    "GEMINI",
    "INTEGRATIONS",
    "OPENAI_CHAT",
    "OPENAI_RESPONSES",
    "each",
    "each_integration",
    "each_way_to_answer",
]

INTEGRATIONS: Final = (OPENAI_CHAT, OPENAI_RESPONSES, AZURE, ANTHROPIC, BEDROCK, GEMINI)

each_integration: Final = pytest.mark.parametrize(
    "integration", [pytest.param(one, id=one.name, marks=one.marks) for one in INTEGRATIONS]
)
each_way_to_answer: Final = pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])


def each(name: str, rows: Callable[[Integration], Iterable[Any]], named: str) -> pytest.MarkDecorator:
    """Return what gives a test every integration with each of its rows, which the field `named` tells apart."""
    return pytest.mark.parametrize(
        ("integration", name),
        [
            pytest.param(one, row, id=f"{one.name}-{getattr(row, named)}", marks=one.marks)
            for one in INTEGRATIONS
            for row in rows(one)
        ],
    )
