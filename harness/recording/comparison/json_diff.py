"""Where two JSON values differ, and how a message shows it: a path and the two values, shortened to what differs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile, zip_longest
from typing import Any

import orjson

#: How much of a differing value a message shows, and how much of the equal part before it.
_SHOWN = 60
_LEAD = 15
_ABSENT = object()


def differences(recorded: Any, sent: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each place where two JSON values differ, as (path, recorded, sent), in the recorded order of keys."""
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in [*recorded, *(key for key in sent if key not in recorded)]:
            inner = f"{path}.{key}" if path else key
            yield from differences(recorded.get(key, _ABSENT), sent.get(key, _ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(sent, list):
        for index, (theirs, mine) in enumerate(zip_longest(recorded, sent, fillvalue=_ABSENT)):
            yield from differences(theirs, mine, f"{path}[{index}]")
    elif type(recorded) is not type(sent) or recorded != sent:
        yield path, recorded, sent


def contrast(recorded: Any, sent: Any, verb: str = "sent", *, whole: bool = False) -> str:
    """Return both values as one phrase: `recorded …, sent …`, with another verb where nothing was sent.

    Long values are shortened to what differs, unless they are asked for `whole`.
    """
    start = 0
    if whole:
        return f"recorded {_shown(recorded, 0, None)}, {verb} {_shown(sent, 0, None)}"
    if isinstance(recorded, str) and isinstance(sent, str):
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(recorded, sent, strict=False)))
        start = same - _LEAD if same > _SHOWN - _LEAD else 0
    return f"recorded {_shown(recorded, start)}, {verb} {_shown(sent, start)}"


def _shown(value: Any, start: int, length: int | None = _SHOWN) -> str:
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, bytes):
        return f"{len(value)} bytes that are not JSON" if value else "an empty body"
    if not isinstance(value, str):
        text = orjson.dumps(value).decode()
        return text if length is None or len(text) <= length else f"{text[:length]}…"
    end = len(value) if length is None else start + length
    part = value[start:end]
    before, after = "…" if start else "", "…" if end < len(value) else ""
    return f'"{before}{part}{after}"'
