"""The wire formats of Cohere's chat API: lines of JSON, and events; how the last one tells of the end, and of an error.

Source: https://docs.cohere.com/v1/reference/chat and https://docs.cohere.com/reference/errors (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from harness.providers.shared.dialect import JSON_LINES, SSE, Dialect

V1: Final = Dialect(
    "cohere",
    re.compile(rb'"generation_id": ?"[^"]*"'),
    # It has no words of its own for them; what is said is all.
    {429: "", 500: ""},
    lambda *error: {"message": error[2]},
    framing=replace(JSON_LINES, media_type="application/stream+json"),
    # What the event holds beside may end in brackets, too, where it is cut.
    end_mark=re.compile(rb'"event_type": ?"stream-end"[^\n]*"finish_reason": ?"\w+"\}[ \t\r]*(?:\n|\Z)'),
)
V2: Final = replace(
    V1,
    name="cohere-v2",
    mark=re.compile(rb'"type": ?"message-start"|"message": ?\{"role": ?"assistant".*"billed_units": ?\{'),
    framing=SSE,
    end_mark=re.compile(rb'^data: ?\{[^\n]*"type": ?"message-end"[^\n]*\r?\n\r?\n', re.MULTILINE),
)
