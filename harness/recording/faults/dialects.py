"""The dialect in which a recorded answer came, and which of its events end its stream."""

from __future__ import annotations

from collections.abc import Sequence

from harness.providers.registry import USUAL_DIALECT, dialects
from harness.providers.shared.dialect import Dialect
from harness.recording.boundaries import end_was_seen, framing_of
from harness.recording.wire import WireResponse


def dialect_of(response: WireResponse) -> Dialect:
    """Return the dialect that fits the body of `response`; OpenAI's, which most hosts speak, where none does."""
    return next((dialect for dialect in dialects() if dialect.mark.search(response.body)), USUAL_DIALECT)


def is_stream(response: WireResponse) -> bool:
    """Return whether `response` streams events; an error status comes with one body, whatever its type says."""
    return 200 <= response.status < 300 and framing_of(response.header("content-type") or "") is not None


def end_events(response: WireResponse, events: Sequence[bytes]) -> tuple[int, ...]:
    """Return which of the events of `response`, by index, say that its stream has ended; none where it does not stream."""
    if not is_stream(response):
        return ()
    dialect, content_type = dialect_of(response), response.header("content-type") or ""
    found = [
        index
        for index, event in enumerate(events)
        if end_was_seen(content_type, event) or (dialect.last_words is not None and dialect.last_words.search(event))
    ]
    return tuple(found[-dialect.ends :])
