"""Streams of hosts that mark the end of none, found in plain cassettes: whole, as far as their bytes tell.

Such a stream has told why it ended, and its usage where that was asked for; its last event is whole; and no other stream of
its host in the cassette has the mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from harness.providers.row import Provider
from harness.providers.shared.dialect import SSE
from harness.recording.boundaries import dialects_of, framing_of
from harness.recording.calls.readable import EVENTS, with_coding_and_type
from harness.recording.redact.content_coding import opened_if_possible
from harness.recording.wire import Interaction, WireResponse

#: What counts the tokens of an answer.
_USAGE: Final = re.compile(rb'"usage": ?\{')

NOTE: Final = (
    "this host sends no end marker; the stream is whole all the same, since it tells why it ended "
    "(a call of one's own to this host needs LLM(…, without_end_marker=True))"
)


def hosts_that_mark(interactions: Iterable[Any]) -> frozenset[str]:
    """Return the hosts of which a stream holds the mark that ends it."""
    return frozenset(
        urlsplit(interaction.request.url).netloc
        for interaction in interactions
        if isinstance(interaction, Interaction) and _is_marked(interaction.response)
    )


def _is_marked(response: WireResponse) -> bool:
    body = opened_if_possible(with_coding_and_type(response)).body
    return any(dialect.has_ended(body) for dialect in dialects_of(body))


def is_whole_without_mark(api: Provider, interaction: Interaction, marking: Callable[[], frozenset[str]]) -> bool:
    """Whether the recorded stream is whole but for a mark that its host never sends; `marking` finds hosts that do."""
    response = interaction.response
    if api.dialect is None or api.dialect.reason is None:
        return False
    if response.status != 200 or response.ended.how != "complete":
        return False
    framing, body = api.dialect.framing, opened_if_possible(response).body
    # Some hosts give their streams another type.
    is_framed = framing is framing_of(response.header("content-type") or "")
    if api.dialect.has_ended(body) or not (is_framed or (framing is SSE and EVENTS.match(body))):
        return False
    if urlsplit(interaction.request.url).netloc in marking():
        return False
    ends_whole = not body[max(framing.ends(body), default=0) :].strip()
    has_usage = _USAGE.search(body) is not None or not _asks_for_usage(interaction.request.body)
    return ends_whole and has_usage and api.dialect.reason.search(body) is not None


def _asks_for_usage(body: bytes) -> bool:
    request = json.loads(body)
    options = request.get("stream_options") if isinstance(request, dict) else None
    return isinstance(options, dict) and bool(options.get("include_usage"))
