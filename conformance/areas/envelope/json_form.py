"""Whether a payload is JSON: every place where it is not, and whether dump and load give it back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

#: Levels that a payload may have. The contract keeps 200; what stands for deeper parts and the frame around a payload
#: take a few more, and common parsers stop soon after (orjson at 254).
MAX_LEVELS = 250
_NOTHING_ELSE: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS

#: A place in a payload, as in `.messages[1].content`, and what is wrong there.
WrongPlace = tuple[str, str]


def not_json(payload: Mapping[str, Any]) -> Iterator[WrongPlace]:
    """Give every place in `payload` that is not JSON; then, if there is none, how dump and load change it."""
    if _is_plain_json(payload):
        return
    wrong = list(_wrong_places(payload))
    yield from wrong
    if not wrong:
        plain = _plain(payload)
        loaded = json.loads(json.dumps(plain, ensure_ascii=False, allow_nan=False).encode())
        if loaded != plain:
            yield "", "changed by dump and load"


def _is_plain_json(payload: Mapping[str, Any]) -> bool:
    """Return whether a payload is JSON beyond doubt: nearly all are, and this takes a tenth of looking at each value."""
    try:
        written = orjson.dumps(payload, option=_NOTHING_ELSE)
        # A number that JSON can't hold, a tuple and whatever else is written as something that it is not, come back changed.
        return written.count(b"{") + written.count(b"[") < MAX_LEVELS and bool(orjson.loads(written) == payload)
    except Exception:
        return False


def _wrong_places(payload: Mapping[str, Any]) -> Iterator[WrongPlace]:
    # A stack of its own: a payload may be deeper than Python's, and may contain itself.
    waiting: list[tuple[str, Any, int, tuple[int, ...]]] = [("", payload, 1, ())]
    while waiting:
        path, value, level, above = waiting.pop()
        if not isinstance(value, Mapping | list):
            reason = _scalar_fault(value)
            if reason:
                yield path, reason
            continue
        if id(value) in above:
            yield path, "a container inside itself"
        elif level > MAX_LEVELS:
            yield path[:80], f"more than {MAX_LEVELS} levels deep"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                reason = _scalar_fault(key) if isinstance(key, str) else f"under a key that is no text: {key!r}"
                if reason:
                    yield path, reason
                else:
                    waiting.append((f"{path}.{key}", item, level + 1, (*above, id(value))))
        else:
            waiting.extend((f"{path}[{n}]", item, level + 1, (*above, id(value))) for n, item in enumerate(value))


def _scalar_fault(value: object) -> str | None:
    if value is None or isinstance(value, int):
        return None
    if isinstance(value, str):
        is_torn = not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
        return "text with a lone surrogate" if is_torn else None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"a number that JSON can't hold: {value}"
    return f"a {type(value).__name__}, which is not JSON"


def _plain(value: Any) -> Any:
    # Recursion is bounded here by MAX_LEVELS.
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
