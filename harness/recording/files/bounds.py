"""How much is taken of a file that somebody else may have written: depth, digits, values, lengths and times.

Each bound is far beyond what a recording needs, and far below what a reader can't stand. Whoever asks puts the problem that
is returned into a message of its own.
"""

from __future__ import annotations

import re
from typing import Final

#: How deep a cassette nests, bodies not counted, which are text.
DEEPEST_CASSETTE: Final = 100
#: How deep what a run gave nests: payloads and results do so to 200 levels (clause `envelope.data-json`).
DEEPEST_JSON: Final = 240
#: How deep the scopes of a run nest.
DEEPEST_SCOPE: Final = 400
#: More digits than this have no meaning here, and Python refuses to read many more.
MOST_DIGITS: Final = 18
#: Values in one file; each takes some hundred bytes of memory.
MOST_VALUES: Final = 10_000_000
#: Lines in one frames file.
MOST_LINES: Final = 5_000_000
#: Characters of one line of frames, or of one scalar of a cassette.
LONGEST: Final = 128 * 1024 * 1024
#: A week after its request nothing of an answer comes any more.
LATEST_MS: Final = 7 * 24 * 3600 * 1000.0

#: A string, whole or torn, or what the structure of JSON is made of.
_TOKEN: Final = re.compile(r'"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)


def json_problem(text: str, deepest: int) -> str | None:
    """Return why `text` is more JSON than is taken, whether or not it is JSON; None where it is not."""
    openers = text.count("[") + text.count("{")
    if openers <= deepest and openers + text.count(",") <= MOST_VALUES:
        return None
    depth = values = 0
    for match in _TOKEN.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > deepest:
                line = text.count("\n", 0, match.start()) + 1
                return f"line {line}: nested deeper than {deepest} levels"
        elif mark in "]}":
            depth -= 1
        values += mark in "[{,"
        if values > MOST_VALUES:
            return f"more than {MOST_VALUES:,} values"
    return None


def whole_number(value: object) -> int | None:
    """Return the whole number that `value` is or spells; None where it is none, or has more than `MOST_DIGITS` digits."""
    if isinstance(value, str):
        return int(value) if len(value) <= MOST_DIGITS and value.isdecimal() else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 10**MOST_DIGITS else None


def is_later(found: object, known: str) -> bool:
    """Whether the format `found` is a later version of the format `known`, as in `harness.frames/2`."""
    family, _, version = known.partition("/")
    name, _, other = str(found)[:100].partition("/")
    number = whole_number(other)
    # So many digits are no version of this year.
    return name == family and other.isdecimal() and (number is None or number > int(version))
