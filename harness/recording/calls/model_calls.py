"""Calls to models on a tape, and how many of them the frames of its run do not tell of.

A flow may ask a model by an SDK, another library, or a tool that does: its traffic is recorded and replayed like any
other, and only the runtime's own LLMs make frames.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.providers.registry import recognized
from harness.recording.wire import Interaction

#: The type of the frame that tells of a call, in every runtime.
STARTED = "llm_call_started"


def called_providers(interactions: Iterable[Interaction]) -> tuple[str, ...]:
    """Return the names of the providers that were called, sorted."""
    apis = (recognized(taped.request.method, taped.request.url, taped.request.body) for taped in interactions)
    return tuple(sorted({api.name for api in apis if api is not None}))


def answered_calls(interactions: Iterable[Interaction]) -> int:
    """Return how many are answered calls to a model. Failed attempts do not count: a client may repeat them unseen."""
    return sum(
        taped.response.status < 300
        and taped.response.ended.how == "complete"
        and recognized(taped.request.method, taped.request.url, taped.request.body) is not None
        for taped in interactions
    )


def unframed_calls(interactions: Iterable[Interaction], started: int) -> int:
    """Return how many answered calls there are beyond the `started` ones that frames tell of."""
    return max(0, answered_calls(interactions) - started)
