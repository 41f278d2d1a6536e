"""What an answer of OpenAI's Responses API says, read from its bytes by the suite's own reader: the measure of the adapter."""

from __future__ import annotations

from functools import partial

from tests.providers.reading import said

#: From content type and body.
read = partial(said, "openai-responses")
