"""What holds of a recorded stream that is cut, or split in other pieces (clauses `llm.truncation` and `llm.rechunk`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from harness.errors import ProviderError, StreamTruncatedError
from harness.recording.faults.cuts import events_of, resplit
from harness.recording.faults.dialects import dialect_of
from harness.recording.faults.faults import parse_fault
from harness.recording.wire import Chunk, Ending, Interaction, WireResponse
from tests.recording.support.remade import Run


def response(body: bytes, content_type: str = "text/event-stream", *lengths: int) -> WireResponse:
    """A response that came in pieces of these lengths, 10 ms apart, or in one."""
    pieces = lengths or (len(body),)
    chunks = tuple(Chunk(sum(pieces[:n]), length, 10.0 * n) for n, length in enumerate(pieces))
    ended = Ending("complete", None, 10.0 * len(pieces))
    return WireResponse(200, "OK", (("content-type", content_type),), body, chunks, ended, ("a",))


class Stream(Protocol):
    """A recorded call that streams, and that can be made again."""

    @property
    def interaction(self) -> Interaction: ...
    @property
    def whole(self) -> Run:
        """The call against the response as it was recorded."""

    def against(self, *responses: WireResponse) -> Run:
        """Make the call with these responses to its attempts, in order."""


def payloads(events: tuple[bytes, ...]) -> Iterator[dict[str, Any]]:
    """Yield the JSON of server-sent events; read by hand, so as not to ask a decoder about itself."""
    for event in events:
        data = b"".join(line[5:] for line in event.splitlines() if line.startswith(b"data:")).strip()
        if data.startswith(b"{") and event.endswith(b"\n\n"):
            yield json.loads(data)


def openai_deltas(payload: dict[str, Any]) -> Iterator[str]:
    for choice in payload.get("choices", [])[:1]:
        delta: dict[str, Any] = choice["delta"]
        yield delta.get("reasoning_content") or delta.get("reasoning") or ""
        yield delta.get("content") or delta.get("refusal") or ""
        for call in delta.get("tool_calls") or []:
            yield call["function"].get("arguments") or ""


def anthropic_deltas(payload: dict[str, Any]) -> Iterator[str]:
    if payload["type"] == "content_block_delta":
        delta: dict[str, Any] = payload["delta"]
        yield next((delta[key] for key in ("text", "thinking", "partial_json") if key in delta), "")


def responses_deltas(payload: dict[str, Any]) -> Iterator[str]:
    if payload["type"].endswith(".delta"):
        yield payload["delta"]


#: By wire format: what one event says. Where there is no row, frames are only held against those of the whole run.
SAYS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "anthropic": anthropic_deltas,
    "openai": openai_deltas,
    "openai-responses": responses_deltas,
}


def check_cuts(stream: Stream, how: str, points: tuple[int, ...]) -> None:
    recorded = stream.interaction.response
    for point in points:
        (cut,) = parse_fault(f"{how}:{point}").apply(recorded)
        assert cut.body == recorded.body[:point]
        check_cut(stream, cut, stream.against(cut))


def check_cut(stream: Stream, cut: WireResponse, run: Run) -> None:
    assert isinstance(run.error, ProviderError), f"cut at {len(cut.body)} ended with {run.error!r}"
    if run.chunks:
        assert isinstance(run.error, StreamTruncatedError)
    *before, last = run.frames
    assert (last["type"], last["data"]["error_type"]) == ("llm_call_failed", type(run.error).__name__)
    assert before == stream.whole.frames[: len(before)]
    says = SAYS.get(dialect_of(cut).name)
    if says is not None:
        assert run.chunks == "".join(delta for payload in payloads(events_of(cut)) for delta in says(payload))


def check_split(stream: Stream, lengths: list[int]) -> None:
    recorded = stream.interaction.response
    split = resplit(recorded, lengths)
    assert split.body == recorded.body
    run = stream.against(split)
    assert run.frames == stream.whole.frames
    assert (type(run.error), str(run.error)) == (type(stream.whole.error), str(stream.whole.error))
