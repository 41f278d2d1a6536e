"""Ollama's wire format: lines of JSON, how the last one tells of the end, and how it tells of an error.

Source: https://docs.ollama.com/api/streaming and https://docs.ollama.com/api/errors (2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from harness.providers.shared.dialect import Dialect, Framing


def _line_ends(body: bytes) -> Iterator[int]:
    return (match.end() for match in re.finditer(rb"\n", body))


def _envelope(_: int, __: str, message: str) -> dict[str, Any]:
    return {"error": message}


def _line(status: int, word: str, message: str) -> bytes:
    return json.dumps(_envelope(status, word, message)).encode() + b"\n"


JSON_LINES: Final = Framing("application/x-ndjson", _line_ends)
API_CHAT: Final = Dialect(
    "ollama",
    re.compile(rb'"message": ?\{"role": ?"assistant".*"done": ?(?:true|false)'),
    # It has no words of its own for them; what is said is all.
    {429: "", 500: ""},
    _envelope,
    _line,
    framing=JSON_LINES,
    # Arguments of tools may say the same, and more brackets close behind them.
    end_mark=re.compile(rb'"done": ?true(?:, ?"\w+": ?(?:-?\d+|"[^"\\]*"))*\}[ \t\r]*(?:\n|\Z)'),
)
