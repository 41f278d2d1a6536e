"""What the tests of recording are given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.openai.chat import OpenAIChatServer


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    """A provider on loopback."""
    with OpenAIChatServer() as running:
        yield running
