"""What models with reasoning begin with where their host leaves it in the text.

Source: https://docs.perplexity.ai/guides/structured-outputs (2026-11); gpt-oss on Bedrock has a name of its own for it.
"""

from __future__ import annotations

import re
from typing import Final

_THOUGHTS: Final = re.compile(r"\A\s*<(think(?:ing)?|reasoning)>.*?(?:</\1>\s*|\Z)", re.DOTALL)


def without_thoughts(text: str) -> str:
    """Return what is said after them; of a text that ends within them it is nothing."""
    return _THOUGHTS.sub("", text)
