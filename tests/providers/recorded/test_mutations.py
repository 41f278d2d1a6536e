"""A field that is missing, null or of another type makes no other answer: it says the same, or is an error of this project."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import playing
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from harness.shipped import shipped_folder
from tests.llm.scripted import Ran, streamed
from tests.providers.integrations import each_integration
from tests.providers.integrations.integration import TOOLS, Integration
from tests.providers.recorded.mutations import Mutation, aws_events, mutated, mutations, sse_events
from tests.servers.raw import Raw

#: How many changes of each answer are tried always.
SAMPLE = 40
SCENARIOS = ("text", "parallel_tool_calls", "thinking")


def answers(integration: Integration) -> Iterator[bytes]:
    """Yield the bodies of streams that are shipped."""
    folder = shipped_folder() / integration.name.replace("-", "_")
    for scenario in SCENARIOS:
        path = folder / scenario / "cassette.yaml"
        if path.exists():
            yield read_cassette(path)[-1].response.body


def outcome(ran: Ran) -> Any:
    if isinstance(ran.result, str):
        return ran.result, thinking(ran)
    return [(call["function"]["name"], call["function"]["arguments"]) for call in ran.result]


def thinking(ran: Ran) -> str:
    return "".join(frame.data["chunk"] for frame in ran.frames if frame.type == "llm_thinking_chunk")


def check(integration: Integration, body: bytes, sample: int | None) -> None:
    events, made = (aws_events if integration.name == "bedrock" else sse_events)(body)
    changes: list[Mutation] = list(mutations(events))
    if sample is not None:
        changes = random.Random(7).sample(changes, min(sample, len(changes)))
    with Raw(body, integration.stream_type) as server:
        llm = integration.llm(server)
        plain = streamed(llm, "sync", "Hi", tools=TOOLS)
        (asked,) = server.requests
    assert plain.error is None
    request = WireRequest(asked.method, f"{server.origin}{asked.path}", (), asked.body)
    headers = (("content-type", integration.stream_type),)
    for change in changes:
        sent = made(mutated(events, change))
        whole = (Chunk(0, len(sent), 0.0),)
        response = WireResponse(200, "OK", headers, sent, whole, Ending("complete", None, 0.0), ())
        with playing(Path("changed"), (Interaction(request, response),)):
            ran = streamed(llm, "sync", "Hi", tools=TOOLS)
        if ran.error is not None:
            assert isinstance(ran.error, ProviderError), f"{change}: {ran.error!r}"
        else:
            assert outcome(ran) == outcome(plain), str(change)


@each_integration
def test_an_answer_of_which_one_field_is_another_says_the_same_or_fails(integration: Integration) -> None:
    for body in answers(integration):
        check(integration, body, SAMPLE)


@pytest.mark.slow
@each_integration
def test_an_answer_of_which_any_field_is_another_says_the_same_or_fails(integration: Integration) -> None:
    for body in answers(integration):
        check(integration, body, None)
