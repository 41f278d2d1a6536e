"""What the Responses server sends has the shapes of live traffic, and the official SDK reads it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest
from openai.types.responses import ResponseCompletedEvent, ResponseTextDeltaEvent

from harness.recording.files.cassette_reader import read_cassette
from tests.servers.openai.chat_scenarios import HARBOUR_TEXT, Failure
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.openai.responses_scenarios import SCENARIOS, Scenario
from tests.servers.plain_client import post
from tests.servers.shapes import KeySet, _objects
from tests.servers.wire_server import Ending

#: Fields that make a scenario answer, whatever it needs.
NEEDS: Final[dict[str, Any]] = {
    "tools": [],
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "text"}},
    "previous_response_id": "resp_0",
}


@pytest.fixture
def server() -> Iterator[OpenAIResponsesServer]:
    with OpenAIResponsesServer() as running:
        running.hold.set()
        yield running


def fetch(server: OpenAIResponsesServer, name: str, **options: Any) -> tuple[int, bytes]:
    asked = [{"role": "user", "content": SCENARIOS[name].prompt}]
    body = {"model": "gpt-4o-mini", "input": asked, **NEEDS, **options}
    response, text = post(server, "/v1/responses", body, {"authorization": "Bearer test-key"})
    return response.status, text


def events(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream; the name of each is its type."""
    found = []
    for block in body.decode().split("\n\n")[:-1]:
        name, told = block.split("\n")
        event: dict[str, Any] = json.loads(told.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def key_sets(body: bytes) -> set[KeySet]:
    """The keys of every object, in wire order, by the kind of event that it is in."""
    if not body.startswith(b"event:"):
        plain = json.loads(body)
        return {KeySet("error" if "id" not in plain else "plain", path, keys) for path, keys in _objects(plain, "$")}
    return {KeySet(event["type"], path, keys) for event in events(body) for path, keys in _objects(event, "$")}


#: Kinds of events that no recording of the corpus has; their fields are those that openai-python 3.52.0 states.
DOCUMENTED_UNSEEN: Final = {
    "error": "responses-streaming/error, and an HTTP error's envelope",
    "response.failed": "responses-streaming/response/failed",
    "response.incomplete": "responses-streaming/response/incomplete",
    "response.reasoning_summary_part.added": "responses-streaming/response/reasoning_summary_part/added",
    "response.reasoning_summary_part.done": "responses-streaming/response/reasoning_summary_part/done",
    "response.reasoning_summary_text.delta": "responses-streaming/response/reasoning_summary_text/delta",
    "response.reasoning_summary_text.done": "responses-streaming/response/reasoning_summary_text/done",
    "response.refusal.delta": "responses-streaming/response/refusal/delta",
    "response.refusal.done": "responses-streaming/response/refusal/done",
    "response.web_search_call.in_progress": "responses-streaming/response/web_search_call/in_progress",
    "response.web_search_call.searching": "responses-streaming/response/web_search_call/searching",
    "response.web_search_call.completed": "responses-streaming/response/web_search_call/completed",
}
#: Objects of kinds that the corpus has, with keys that it has only elsewhere.
UNSEEN_OBJECTS: Final = {
    ("id", "type", "summary"): "an item of reasoning without encrypted content, as whole responses have it",
    ("type", "text"): "responses/object: a summary",
    ("type", "refusal"): "responses/object: a refusal",
    ("id", "type", "status"): "responses/object: a web search that has begun",
    ("id", "type", "status", "action"): "a web search, as whole responses have it",
    ("type", "queries", "query"): "the action of a web search, as whole responses have it",
    ("reason",): "responses/object: incomplete_details",
    ("code", "message"): "responses/object: error",
}


def test_what_the_server_sends_has_live_shapes(corpus: Path, server: OpenAIResponsesServer) -> None:
    authored: set[KeySet] = set()
    for name, scenario in SCENARIOS.items():
        if ends_whole(scenario):
            for options in ({"stream": True}, {}, {"max_output_tokens": 2, "stream": True}, {"max_output_tokens": 2}):
                authored |= key_sets(fetch(server, name, **options)[1])
    live = live_key_sets(corpus)
    unseen = {shape for shape in authored - live if shape.kind not in DOCUMENTED_UNSEEN}
    assert {shape.keys for shape in unseen} == set(UNSEEN_OBJECTS)
    assert not {shape.kind for shape in live} & set(DOCUMENTED_UNSEEN)


def live_key_sets(corpus: Path) -> set[KeySet]:
    found: set[KeySet] = set()
    with (corpus / "INDEX.tsv").open(newline="") as index:
        files = [row["file"] for row in csv.DictReader(index, delimiter="\t") if "openai-responses" in row["providers"]]
    for file in files:
        for one in read_cassette(corpus / file):
            if one.request.url.endswith("/responses"):
                found |= key_sets(one.response.body)
    assert found
    return found


def ends_whole(scenario: Scenario) -> bool:
    """Whether HTTP can finish what the scenario says first."""
    first = scenario.replies[0]
    return isinstance(first, Failure) or first.ending is Ending.WHOLE


STREAMED: Final = [
    name for name, one in SCENARIOS.items() if not isinstance(one.replies[0], Failure) and ends_whole(one)
]


@pytest.mark.parametrize("name", STREAMED)
def test_events_are_numbered_without_gap(name: str, server: OpenAIResponsesServer) -> None:
    told = events(fetch(server, name, stream=True)[1])
    assert [event["sequence_number"] for event in told] == list(range(len(told)))


def test_the_sdk_reads_a_stream_and_a_whole_answer(server: OpenAIResponsesServer) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key="test-key", max_retries=0) as client:
        text, ended = "", False
        for event in client.responses.create(model="gpt-4o-mini", input=SCENARIOS["text"].prompt, stream=True):
            text += event.delta if isinstance(event, ResponseTextDeltaEvent) else ""
            ended = ended or isinstance(event, ResponseCompletedEvent)
        whole = client.responses.create(model="gpt-4o-mini", input=SCENARIOS["text"].prompt)
    assert (text, ended, whole.output_text) == (HARBOUR_TEXT, True, HARBOUR_TEXT)


@pytest.mark.parametrize(
    ("options", "status"),
    [({"input": "Unscripted"}, 400), ({"model": "gpt-0"}, 400), ({}, 200)],
    ids=["prompt", "model", "known"],
)
def test_request_outside_the_script_is_refused(
    options: dict[str, Any], status: int, server: OpenAIResponsesServer
) -> None:
    assert fetch(server, "text", **options)[0] == status
