"""Reading recorded answers without any integration or SDK: what the frames of a run are held to.

One module per wire format, by the name that its dialect has in the registry of providers; formats that have none are
judged by what was recorded of them.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import cache
from types import ModuleType
from typing import Final

from conformance.timeline.evidence import WireFacts
from conformance.wire.answer import MalformedError, Reading
from harness.recording import WireResponse, dialect_of

__all__ = ["Reading", "facts_of", "format_of", "is_request_id", "read", "request_id_of"]

_REQUEST_ID: Final = re.compile(r"(?:^|-)request-?id$", re.IGNORECASE)
#: The counts that the contract names; what else a provider counts is its own.
_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_prompt_tokens", "reasoning_tokens")


def format_of(response: WireResponse) -> str | None:
    """Return the wire format of a recorded answer; None for one that nobody here reads."""
    dialect = dialect_of(response)
    return dialect.name if dialect.mark.search(response.body) and _reader(dialect.name) is not None else None


@cache
def _reader(wire_format: str) -> ModuleType | None:
    """Return the module that reads a format.

    Its `read_stream` fills a `Reading` from a streamed answer, and `read_plain` from an answer that came at once.
    """
    name = f"{__name__}.{wire_format.replace('-', '_')}"
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def read(wire_format: str, body: bytes, *, streamed: bool) -> Reading:
    """Return what an answer says, as far as its bytes go.

    Raises:
        LookupError, TypeError, AttributeError: it has not the shape that its format is known to have.
    """
    reading, reader = Reading(), _reader(wire_format)
    if reader is None:
        raise LookupError(f"nobody here reads the wire format {wire_format!r}")
    try:
        (reader.read_stream if streamed else reader.read_plain)(body, reading)
    except MalformedError:
        reading.failed = True
    if reading.usage is not None and {"prompt_tokens", "completion_tokens"} <= reading.usage.keys():
        # The sum of the two, whatever the wire says of it.
        reading.usage["total_tokens"] = reading.usage["prompt_tokens"] + reading.usage["completion_tokens"]
    return reading


def facts_of(response: WireResponse, wire_format: str, *, streamed: bool, has_functions: bool) -> WireFacts | None:
    """Return the facts of one call whose answer was `response`; None where it can't be read."""
    refused = not 200 <= response.status < 300
    try:
        reading = Reading() if refused else read(wire_format, response.body, streamed=streamed)
    except (LookupError, TypeError, AttributeError):
        return None
    return WireFacts(
        streamed=streamed,
        text=reading.text,
        status=response.status,
        ended_at_marker=reading.ended,
        thinking=reading.thinking,
        tool_calls=reading.calls,
        kinds=None if refused else tuple(reading.kinds),
        usage=None
        if reading.usage is None
        else {name: reading.usage[name] for name in _COUNTS if name in reading.usage},
        finish_reason=reading.finish_reason,
        error_event=reading.failed,
        request_id=request_id_of(response),
        has_functions=has_functions,
    )


def request_id_of(response: WireResponse) -> str | None:
    """Return the provider's id of the request, from whichever header its name tells of one."""
    return next((value for name, value in response.headers if is_request_id(name)), None)


def is_request_id(header: str) -> bool:
    """Whether a header of that name holds a provider's id of the request."""
    return _REQUEST_ID.search(header) is not None
