"""What a server wrote is read, whatever the head of its response says of it: another type, encoding or charset."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

import pytest

from harness.errors import ProviderError, ProviderStatusError, StreamTruncatedError
from tests.llm.scripted import WAYS, Way
from tests.providers.integrations import BEDROCK, each_integration
from tests.providers.integrations.integration import Integration
from tests.providers.test_reported_failures import JSON, WORDS, asked, of_events
from tests.servers.raw import Raw
from tests.servers.wire_server import WireRequest, WireResponse

FAILURE = json.dumps({"error": {"message": WORDS, "code": 429}}).encode()
PAGE = f"<html>{WORDS}</html>".encode()
#: What stands for the type of the integration's own streams.
STREAM = "stream"


class Encoded(Raw):
    """Says of every body that it is in an encoding."""

    encoding: str = ""

    def answer(self, request: WireRequest) -> WireResponse:
        sent = super().answer(request)
        return WireResponse(sent.status, (*sent.headers, ("content-encoding", self.encoding)), sent.body)


@dataclass(frozen=True)
class Form:
    """A body that tells of a failure, and the type that its head says; and whether it says that it may pass."""

    body: bytes
    content_type: str
    is_retryable: bool = True


FORMS = {
    "JSON in place of events": Form(FAILURE, STREAM),
    "a page in place of events": Form(PAGE, STREAM, is_retryable=False),
    "text in place of events": Form(WORDS.encode(), STREAM, is_retryable=False),
    "events in place of JSON": Form(b"data: " + FAILURE + b"\n\n", JSON),
    "an event that has no blank line": Form(b"event: error\ndata: " + FAILURE, JSON),
    "lines of JSON": Form(b'{"a": 1}\n' + FAILURE + b"\n", "application/x-ndjson"),
    "a type of other problems": Form(FAILURE, "application/problem+json"),
    "a type that is none": Form(FAILURE, "nonsense"),
    "JSON in another charset": Form(f'{{"error": "{WORDS}, høyt"}}'.encode("latin-1"), JSON, is_retryable=False),
    "packed, and no word of it": Form(gzip.compress(FAILURE), JSON),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@each_integration
def test_a_failure_of_another_form_than_its_head_says_is_told(
    integration: Integration, streams: bool, way: Way
) -> None:
    types = {STREAM: integration.stream_type}
    with Raw() as server:
        sent = ((form.body, types.get(form.content_type, form.content_type), 200) for form in FORMS.values())
        rans = asked(server, integration.llm(server), way, streams, sent)
    for (name, form), ran in zip(FORMS.items(), rans, strict=True):
        assert isinstance(ran.error, ProviderError), (name, ran.error)
        assert WORDS in str(ran.error), (name, ran.error)
        assert ran.error.retryable is form.is_retryable, name
        assert len(ran.frames) == 2, name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@each_integration
def test_what_is_not_encoded_as_its_head_says_is_read_as_it_is(
    integration: Integration, streams: bool, way: Way
) -> None:
    told = [(FAILURE, JSON, status) for status in (200, 500)]
    with Encoded() as server:
        llm = integration.llm(server)
        for server.encoding in ("br", "deflate", "gzip"):
            for ran in asked(server, llm, way, streams, told):
                assert isinstance(ran.error, ProviderError), ran.error
                assert WORDS in str(ran.error)
        packed = [
            (gzip.compress(FAILURE), JSON, 500),
            (gzip.compress(integration.split.body), integration.stream_type, 200),
        ]
        refused, answered = asked(server, llm, way, streams, packed)
    assert WORDS in str(refused.error)
    if streams:
        assert answered.transcript[1:] == integration.split.told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@each_integration
def test_a_refusal_is_told_in_whatever_charset_it_came(integration: Integration, streams: bool, way: Way) -> None:
    with Raw() as server:
        sent = (
            (PAGE, "text/html; charset=utf-16", 502),
            (PAGE, "text/html; charset=klingon", 502),
            (PAGE.decode().encode("utf-16"), "text/html; charset=utf-16", 502),
            (f"høyt: {WORDS}".encode("latin-1"), "text/plain; charset=latin-1", 502),
            (f'{{"error": "høyt: {WORDS}"}}'.encode("latin-1"), JSON, 502),
        )
        rans = asked(server, integration.llm(server), way, streams, sent)
    for ran in rans:
        assert isinstance(ran.error, ProviderStatusError), ran.error
        assert (ran.error.status, WORDS in str(ran.error)) == (502, True)
    assert "høyt" in str(rans[3].error)


@pytest.mark.parametrize("way", WAYS)
@of_events
def test_what_is_written_in_the_middle_as_if_nothing_had_begun_is_told(integration: Integration, way: Way) -> None:
    text_ends = integration.split.body.index(b"\n\n", integration.split.body.index("🗼".encode())) + 2
    begun = integration.split.body[:text_ends]
    with Raw() as server:
        sent = ((begun + one, integration.stream_type, 200) for one in (FAILURE + b"\n", b"\n" + WORDS.encode()))
        told, said = asked(server, integration.llm(server), way, True, sent)
    for ran in (told, said):
        assert WORDS in str(ran.error)
        assert ran.transcript[1] == "text 'é 🗼'"
        assert isinstance(ran.error, ProviderError)
        assert ran.error.retryable
    assert (type(told.error), type(said.error)) == (ProviderError, StreamTruncatedError)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", [1, 5, 100_000])
@pytest.mark.parametrize("integration", [pytest.param(BEDROCK, marks=BEDROCK.marks, id="bedrock")])
def test_what_is_no_message_among_those_of_an_event_stream_is_told(
    integration: Integration, step: int, way: Way
) -> None:
    begun = integration.split.body[: integration.split.body.index("🗼".encode()) - 100]
    messages = begun[: int.from_bytes(begun[:4], "big")]
    body = messages + FAILURE

    class InPieces(Raw):
        def answer(self, request: WireRequest) -> WireResponse:
            sent = super().answer(request)
            pieces = tuple(body[place : place + step] for place in range(0, len(body), step))
            return WireResponse(sent.status, sent.headers, pieces)

    with InPieces(content_type=integration.stream_type) as server:
        (ran,) = asked(server, integration.llm(server), way, True, [(b"", integration.stream_type, 200)])
    assert type(ran.error) is ProviderError
    assert (WORDS in str(ran.error), ran.error.retryable) == (True, True)


@pytest.mark.parametrize("way", WAYS)
@of_events
def test_a_host_that_streams_whatever_it_is_asked_for_is_read(integration: Integration, way: Way) -> None:
    with Raw() as server:
        llm = integration.llm(server)
        (ran,) = asked(server, llm, way, False, [(integration.split.body, "text/event-stream", 200)])
    assert ran.error is None, ran.error
    assert ran.result == "é 🗼"
    assert [frame.type for frame in ran.frames] == ["llm_call_started", "llm_call_completed"]
