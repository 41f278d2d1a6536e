"""What only Bedrock needs: a region."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.llm import LLM


def test_a_region_is_needed_where_there_is_no_endpoint() -> None:
    with pytest.raises(UsageError, match="region"):
        LLM("bedrock/us.amazon.nova-micro-v1:0").call("Hi")
