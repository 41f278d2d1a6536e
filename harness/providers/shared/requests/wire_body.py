"""The query and the body of a request, as far as all wire formats have them in common.

A provider's `wire_body(llm, request)` returns the JSON body with the settings of `llm`, whose `additional_params` win
over all else. It raises UsageError for a message, a tool or a setting that has no form there. Its `_SETTINGS` say which
field holds which setting, and its `_UNKNOWN` what it has nothing like.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.recorded import OMIT

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM
    from harness.llm.input.messages import AnyToolCall

#: In `additional_params`: the query of the URL, as the SDKs' methods take it. It is no field of the body.
EXTRA_QUERY: Final = "extra_query"


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that have something in them."""
    return {name: value for name, value in fields.items() if value}


def same_names(*settings: str) -> dict[str, str]:
    """Return settings that have the same names on the wire, with their fields."""
    return dict(zip(settings, settings, strict=True))


def wire_settings(llm: BaseLLM, fields: Mapping[str, str], without: Container[str] = ()) -> dict[str, Any]:
    """Return the settings that are set, each in its field on the wire."""
    return {
        wire: value
        for ours, wire in fields.items()
        if (value := getattr(llm, ours)) is not None and ours not in without
    }


def with_additional(llm: BaseLLM, body: Mapping[str, Any], *shared: str) -> dict[str, Any]:
    """Return a body with the `additional_params` of `llm`, which win over all else; see `with_fields`."""
    fields = with_fields(body, llm.additional_params, shared)
    fields.pop(EXTRA_QUERY, None)
    return fields


def with_fields(body: Mapping[str, Any], own: Mapping[str, Any], shared: Iterable[str]) -> dict[str, Any]:
    """Return a body with fields of the caller's own, which win; what is OMIT is left out.

    In objects named in `shared`, which settings fill, they win field by field.
    """
    fields = {**body, **own}
    for name in shared:
        if isinstance(own.get(name), Mapping):
            fields[name] = with_fields(body.get(name, {}), own[name], ())
    return {name: value for name, value in fields.items() if value is not OMIT}


def as_json(body: Mapping[str, Any], api: str) -> bytes:
    """Return a body as JSON. Raises UsageError where it has a value that JSON does not have."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"{api}: the request has a value that can't be sent ({error})") from error


def refuse_settings(llm: BaseLLM, names: Iterable[str], api: str) -> None:
    """Raise UsageError where a setting is set that an API has nothing like."""
    for name in names:
        if getattr(llm, name) is not None:
            raise UsageError(f"{api}: {name} can't be sent; leave it out")


def with_query(path: str, query: Mapping[str, Any] | None) -> str:
    """Return the path with a query behind it, where there is one. Raises UsageError where it is none."""
    if not query:
        return path
    try:
        return f"{path}{'&' if '?' in path else '?'}{urlencode(query, doseq=True)}"
    except TypeError as error:
        raise UsageError(f"{EXTRA_QUERY} is {query!r:.80}; expected a dict of names and values") from error


def is_text(answer_format: type[BaseModel] | Mapping[str, Any] | None) -> bool:
    """Whether a format is the one of OpenAI's that asks for none."""
    return isinstance(answer_format, Mapping) and answer_format.get("type") == "text"


def described(answer_format: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a format in OpenAI's form that has its `schema`; chat completions have it one level deeper.

    Raises:
        UsageError: there is none.
    """
    part = answer_format.get("json_schema", answer_format)
    if not isinstance(part, Mapping) or not isinstance(part.get("schema"), Mapping):
        raise UsageError(
            f"response_format {answer_format!r:.200} has no JSON Schema, and is no other form that is known here; expected "
            "{'type': 'json_schema', 'json_schema': {'name': …, 'schema': {…}}}, or a pydantic model's class"
        )
    return part


def sent_arguments(call: AnyToolCall, api: str) -> dict[str, Any]:
    """Return the arguments of a call as an object, as some APIs take them; no text, and null, means none.

    Raises UsageError where they are something else.
    """
    text, expected = call.function.arguments, f"tool call {call.id!r}: {api} takes arguments as a JSON object"
    try:
        arguments = json.loads(text.strip() or "null")
        # Python reads numbers that JSON lacks.
        json.dumps(arguments, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{expected}, and these are no JSON: {error}") from error
    if arguments is not None and not isinstance(arguments, dict):
        raise UsageError(f"{expected}, and these are {text[:80]!r}")
    return arguments or {}
