"""Bodies that a cassette holds as values: some serialisers write the JSON of a body as YAML, for people to read.

`parsed_body` stands beside other parts in place of `body` (pydantic-ai's tests); `body` itself may be a mapping or a list
(vcrpy over aiohttp), or `string` in it. All become the JSON text that was sent, as far as that can be told.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

_PARSED: Final = "parsed_body"
#: Keys of a response body that is a mapping of vcrpy's, and no value.
_OWN_KEYS: Final = ("string", "base64_string")


def has_values(entry: Any) -> bool:
    """Whether a body of this interaction is written as a value."""
    return isinstance(entry, dict) and (_is_value(entry.get("request")) or _is_value(entry.get("response")))


def with_bodies(entry: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Return the interaction with bodies as text; `typed` is the same with its scalars as what they are."""
    return {
        **entry,
        **{
            side: _with_body(entry[side], typed[side]) for side in ("request", "response") if _is_value(entry.get(side))
        },
    }


def _is_value(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    body = part.get("body")
    if isinstance(body, dict):
        return not any(key in body for key in _OWN_KEYS) or _is_value_in_string(body)
    return isinstance(body, list) or (_PARSED in part and body is None)


def _is_value_in_string(body: dict[str, Any]) -> bool:
    value = body.get("string")
    # A list of texts are chunks.
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _with_body(part: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    body = part.get("body")
    value: Any = typed.get(_PARSED) if body is None else typed["body"]
    if isinstance(body, dict) and _is_value_in_string(body):
        value = value["string"]
    # A text is what could not be parsed: the body as it was.
    content = value if isinstance(value, str | bytes) else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    return {**part, "body": content}
