"""Ollama's wire format: lines of JSON, how the last one tells of the end, and how it tells of an error.

Source: https://docs.ollama.com/api/streaming and https://docs.ollama.com/api/errors (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from harness.providers.shared.dialect import JSON_LINES, Dialect

API_CHAT: Final = Dialect(
    "ollama",
    re.compile(rb'"message": ?\{"role": ?"assistant".*"done": ?(?:true|false)'),
    # It has no words of its own for them; what is said is all.
    {429: "", 500: ""},
    lambda *error: {"error": error[2]},
    framing=JSON_LINES,
    # Arguments of tools may say the same, and more brackets close behind them.
    end_mark=re.compile(rb'"done": ?true(?:, ?"\w+": ?(?:-?\d+|"[^"\\]*"))*\}[ \t\r]*(?:\n|\Z)'),
)
