"""Calls whose answers come with the project: an integration of a subject's gets those bytes, whatever it sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from msgspec import Struct

from conformance.wire import format_of
from harness.errors import UsageError
from harness.llm import RecordedCall
from harness.providers import Provider, recognized
from harness.recording import CASSETTE, Tape, WireRequest, WireResponse, read_cassette, running
from harness.shipped import shipped_recording


class ShippedCall(Struct, frozen=True):
    #: The folder of its provider, as in `openai_responses`.
    provider: str
    #: What is known of the API that was asked.
    row: Provider
    #: What was asked, in the terms of OpenAI's chat messages and tools.
    call: RecordedCall
    answer: WireResponse
    wire_format: str


@cache
def shipped_call(name: str) -> ShippedCall:
    """Return the first call of a shipped recording, named as in `anthropic/thinking`."""
    interaction = read_cassette(shipped_recording(name) / CASSETTE)[0]
    row, wire_format = recognized(interaction.request.method, interaction.request.url), format_of(interaction.response)
    if row is None or wire_format is None:
        raise LookupError(f"{name} is no call to a model in a format that can be read")
    call = row.parse(interaction.request.url, interaction.request.body)
    return ShippedCall(name.partition("/")[0], row, call, interaction.response, wire_format)


class _Answers(Tape):
    """A tape that gives one answer to whatever is asked first, and plain text to every request after it."""

    def __init__(self, first: ShippedCall) -> None:
        super().__init__(Path(first.provider), (), plays=False, records=False)
        self._first: WireResponse | None = first.answer
        self._provider = first.provider

    def answer(self, request: WireRequest) -> WireResponse:
        with self._lock:
            first, self._first = self._first, None
        if first is not None:
            return first
        later = "text" if _streams(request) else "not_streamed"
        return shipped_call(f"{self._provider}/{later}").answer


def _streams(request: WireRequest) -> bool:
    api = recognized(request.method, request.url, request.body)
    try:
        return api is None or bool(api.parse(request.url, request.body).stream)
    except UsageError:
        return True  # what can't be read for another reason is the subject's to explain


@contextmanager
def answering(first: ShippedCall) -> Iterator[None]:
    """Answer this context's first request by the recording, and any that is not due by a text, which is judged."""
    with running(_Answers(first)):
        yield
