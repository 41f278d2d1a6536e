"""What a server writes of its failure, in any form and any place, is a failure in the server's own words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import MalformedResponseError, ProviderError, ProviderStatusError
from harness.llm import LLM
from harness.session.session import AsyncStreamSession, StreamSession
from tests.llm.scripted import WAYS, Ran, Way, aread, read
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    INTEGRATIONS,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    anthropic,
    bedrock,
    each_integration,
    each_way_to_answer,
    gemini,
    openai_chat,
    openai_responses,
)
from tests.providers.integrations.integration import Integration
from tests.servers.bedrock.wire import framed
from tests.servers.raw import Raw

WORDS = "the runner at Bergen has stopped"
JSON = "application/json"
#: Form → what the server sends, and whether it says that the same request may succeed later.
FORMS: dict[str, tuple[Any, bool]] = {
    "object": ({"error": {"message": WORDS, "code": 429}}, True),
    "text": ({"error": WORDS}, False),
    "list": ({"error": [{"message": WORDS, "type": "overloaded_error"}]}, True),
    "code beside the words": ({"error": "rate_limit_exceeded", "message": WORDS}, True),
    "object that says error": ({"object": "error", "message": WORDS, "code": 400}, False),
    "type that says error": ({"type": "error", "message": WORDS}, False),
    "code and message": ({"code": "503", "message": WORDS}, True),
    "detail": ({"detail": WORDS}, False),
    "detail of a form": ({"detail": [{"loc": ["body", "model"], "msg": WORDS, "type": "missing"}]}, False),
    "a title and the words": ({"error": "Model crashed", "message": WORDS}, False),
    "a number and the words": ({"error_code": 336003, "error_msg": WORDS}, False),
    "inside a list": ([{"error": {"message": WORDS, "status": "RESOURCE_EXHAUSTED"}}], True),
}
PAGES = {"a page": f"<html><body>{WORDS}</body></html>".encode(), "plain text": WORDS.encode()}
BODIES = {name: json.dumps(sent).encode() for name, (sent, _) in FORMS.items()}
#: As no JSON.
FIELDS = {
    "the field of some servers": f"error: {WORDS}\n\n".encode(),
    "the name of the event": f'event: error\ndata: {{"message": "{WORDS}", "code": 503}}\n\n'.encode(),
    "the name of the event, and text": f"event: error\ndata: {WORDS}\n\n".encode(),
}
of_events = pytest.mark.parametrize(
    "integration", [pytest.param(one, id=one.name, marks=one.marks) for one in INTEGRATIONS if one is not BEDROCK]
)


def asked(server: Raw, llm: LLM, way: Way, streams: bool, answers: Iterable[tuple[bytes, str, int]]) -> list[Ran]:
    """Return what a call gives for each of `answers`: a body, its type and its status."""
    llm.stream = streams
    if way == "sync":
        rans = []
        for answer in answers:
            server.sends(*answer)
            rans.append(read(llm.stream_events("Hi") if streams else StreamSession(lambda: llm.call("Hi"))))
        return rans

    async def ask() -> list[Ran]:
        rans = []
        for answer in answers:
            server.sends(*answer)
            rans.append(await aread(llm.astream("Hi") if streams else AsyncStreamSession(lambda: llm.acall("Hi"))))
        return rans

    return asyncio.run(ask())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@each_integration
def test_the_body_of_an_http_error_says_what_the_server_wrote(
    integration: Integration, streams: bool, way: Way
) -> None:
    pages = [(page, kind) for page in PAGES.values() for kind in ("text/html", JSON)]
    answers = [(body, kind, 400) for body, kind in (*((body, JSON) for body in BODIES.values()), *pages)]
    with Raw() as server:
        rans = asked(server, integration.llm(server), way, streams, answers)
    for answer, ran in zip(answers, rans, strict=True):
        assert isinstance(ran.error, ProviderStatusError), (answer, ran.error)
        assert WORDS in str(ran.error), answer
        assert ran.transcript == ["started", "failed ProviderStatusError"]


GOOGLES = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_of_body"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "sent",
    [
        {"type": "error", "error": {"type": "overloaded_error", "message": WORDS}, "request_id": "req_of_body"},
        {"error": {"message": WORDS, "request_id": "req_of_body"}},
        {"error": {"message": WORDS, "details": [{"reason": "QUOTA"}, GOOGLES]}},
    ],
    ids=["beside the error", "in it", "among its details"],
)
@of_events
def test_an_error_names_its_request_where_no_header_does(
    integration: Integration, sent: Any, status: int, way: Way
) -> None:
    # The head of this server has the header of some providers.
    of_head = "req_raw" if integration.request_id and integration not in (ANTHROPIC, GEMINI) else None
    with Raw() as server:
        answers = [(json.dumps(sent).encode(), JSON, status)]
        if status == 200:
            answers.append((b"data: " + answers[0][0] + b"\n\n", integration.stream_type, status))
        for ran in asked(server, integration.llm(server), way, True, answers):
            assert isinstance(ran.error, ProviderError)
            assert ran.error.request_id == (of_head or "req_of_body")


DEEP = b'{"error": ' + b"[" * 100_000


# The finalizers of others, called so deep down, would fail, too.
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("way", WAYS)
@each_way_to_answer
@each_integration
def test_what_is_nested_too_deeply_to_be_read_is_a_failure_of_the_providers(
    integration: Integration, streams: bool, way: Way
) -> None:
    kind = integration.stream_type if streams else JSON
    with Raw() as server:
        llm = integration.llm(server)
        answers = [(DEEP, JSON, 500), (DEEP, kind, 200), (b"data: " + DEEP + b"\n\n", kind, 200)]
        for ran in asked(server, llm, way, streams, answers):
            assert isinstance(ran.error, ProviderError), ran.error


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@each_integration
def test_a_body_in_place_of_an_answer_is_the_failure_that_it_says(
    integration: Integration, streams: bool, way: Way
) -> None:
    with Raw() as server:
        llm = integration.llm(server)
        reported = asked(server, llm, way, streams, ((body, JSON, 200) for body in BODIES.values()))
        others = asked(server, llm, way, streams, ((page, "text/html", 200) for page in PAGES.values()))
    for name, ran in zip(BODIES, reported, strict=True):
        check(ran, name)
    for ran in others:
        assert isinstance(ran.error, MalformedResponseError)
        assert WORDS in str(ran.error)


def check(ran: Ran, form: str) -> None:
    assert type(ran.error) is ProviderError, (form, ran.error)
    assert WORDS in str(ran.error), form
    assert ran.error.status is None
    assert ran.error.retryable is FORMS[form][1], form
    assert ran.transcript[-1] == "failed ProviderError"


@pytest.mark.parametrize("way", WAYS)
@of_events
def test_a_failure_inside_a_stream_comes_after_the_text_before_it(integration: Integration, way: Way) -> None:
    text_ends = integration.split.body.index(b"\n\n", integration.split.body.index("🗼".encode())) + 2
    begun = integration.split.body[:text_ends]
    events = {name: b"data: " + body + b"\n\n" for name, body in BODIES.items()}
    # A server that fails may not come to the blank line.
    events["text"] = events["text"].rstrip()
    with Raw() as server:
        llm = integration.llm(server)
        reported = asked(server, llm, way, True, ((begun + one, "text/event-stream", 200) for one in events.values()))
        named = asked(server, llm, way, True, ((begun + one, "text/event-stream", 200) for one in FIELDS.values()))
    for name, ran in zip(events, reported, strict=True):
        check(ran, name)
        assert ran.transcript[1] == "text 'é 🗼'"
    for ran in named:
        assert type(ran.error) is ProviderError
        assert WORDS in str(ran.error)
    assert [ran.error.retryable for ran in named if isinstance(ran.error, ProviderError)] == [False, True, False]


@dataclass(frozen=True)
class Reason:
    """A stream whose reason for its end says that the answer failed, or that of a whole answer."""

    integration: Integration
    reason: str
    body: bytes
    streams: bool = True
    is_retryable: bool = False

    def __str__(self) -> str:
        return f"{self.integration.name}-{self.reason}-{'streamed' if self.streams else 'whole'}"


def chat(reason: str, *, is_retryable: bool = False) -> tuple[Reason, Reason]:
    whole = {"choices": [{"message": {"content": "a"}, "finish_reason": reason}]}
    streamed = openai_chat.event({"content": "a"}, reason) + openai_chat.DONE
    return (
        Reason(OPENAI_CHAT, reason, streamed, is_retryable=is_retryable),
        Reason(AZURE, reason, json.dumps(whole).encode(), streams=False, is_retryable=is_retryable),
    )


REASONS = (
    *chat("server_error", is_retryable=True),
    *chat("failed"),
    *chat("cancelled"),
    *chat("timeout", is_retryable=True),
    *chat("error"),
    *chat("abort"),
    *chat("network_error", is_retryable=True),
    *chat("insufficient_system_resource", is_retryable=True),
    Reason(OPENAI_RESPONSES, "cancelled", json.dumps(openai_responses.response("cancelled")).encode(), streams=False),
    Reason(ANTHROPIC, "error", anthropic.START + anthropic.TEXT + anthropic.end("error")),
    Reason(BEDROCK, "malformed_tool_use", bedrock.START + bedrock.text("a") + bedrock.end("malformed_tool_use")),
    Reason(GEMINI, "MALFORMED_FUNCTION_CALL", gemini.TEXT + gemini.chunk(reason="MALFORMED_FUNCTION_CALL")),
)


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row), marks=row.integration.marks) for row in REASONS])
def test_a_reason_that_says_failure_is_one(row: Reason) -> None:
    answer = (row.body, row.integration.stream_type if row.streams else JSON, 200)
    with Raw() as server:
        (ran,) = asked(server, row.integration.llm(server), "sync", row.streams, [answer])
    assert type(ran.error) is ProviderError
    assert row.reason in str(ran.error)
    assert ran.error.retryable is row.is_retryable


def beside(failure: Any) -> bytes:
    """Return a stream in which a failure stands beside a choice, and its end marker comes all the same."""
    return openai_chat.event({"content": "a"}) + openai_chat.event({}, "stop", error=failure) + openai_chat.DONE


def inside(failure: Any) -> bytes:
    """Return a stream in which a failure stands inside a choice."""
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None, "error": failure}
    event = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
    return openai_chat.event({"content": "a"}) + event + openai_chat.DONE


@pytest.mark.parametrize("integration", [OPENAI_CHAT, AZURE], ids=lambda one: one.name)
def test_a_failure_beside_a_choice_or_inside_it_is_one(integration: Integration) -> None:
    bodies = [place(failure) for place in (beside, inside) for failure in ({"code": 502, "message": WORDS}, WORDS)]
    with Raw() as server:
        rans = asked(
            server, integration.llm(server), "sync", True, ((body, "text/event-stream", 200) for body in bodies)
        )
    for ran in rans:
        assert type(ran.error) is ProviderError
        assert WORDS in str(ran.error)
    assert [ran.error.retryable for ran in rans if isinstance(ran.error, ProviderError)] == [True, False, True, False]


@pytest.mark.parametrize(
    "envelope",
    [{"x_groq": {"id": "req_1", "error": WORDS}}, {"base_resp": {"status_code": 1027, "status_msg": WORDS}}],
    ids=["groq", "minimax"],
)
@each_way_to_answer
def test_a_failure_in_an_envelope_of_the_hosts_own_is_one(envelope: dict[str, Any], streams: bool) -> None:
    answers = [openai_chat.event({"content": "a"}) + openai_chat.event({}, "stop", **envelope) + openai_chat.DONE,
               json.dumps({"choices": None, **envelope}).encode()]  # fmt: skip
    with Raw() as server:
        rans = asked(server, OPENAI_CHAT.llm(server), "sync", streams, [(body, JSON, 200) for body in answers])
    for ran in rans:
        assert type(ran.error) is ProviderError
        assert WORDS in str(ran.error)


#: Events that have nothing of an answer, in words that nobody knows.
ODD = {"status": "failed", "why": {"reason": WORDS}}


@pytest.mark.parametrize("way", WAYS)
@of_events
def test_an_answer_that_never_came_is_told_with_what_came_in_its_place(integration: Integration, way: Way) -> None:
    with Raw() as server:
        answers = [(b"data: " + json.dumps(ODD).encode() + b"\n\n" + end, "text/event-stream", 200)
                   for end in (b"", b"data: [DONE]\n\n")]  # fmt: skip
        for ran in asked(server, integration.llm(server), way, True, answers):
            assert isinstance(ran.error, ProviderError)
            assert WORDS in str(ran.error)


@dataclass(frozen=True)
class Nothing:
    """A stream of nothing but what ends it."""

    integration: Integration
    body: bytes


NOTHINGS = (
    Nothing(OPENAI_CHAT, openai_chat.DONE),
    Nothing(OPENAI_CHAT, openai_chat.event({"role": "assistant", "content": ""}) + openai_chat.DONE),
    Nothing(AZURE, b'data: {"choices": [], "prompt_filter_results": []}\n\n' + openai_chat.DONE),
    Nothing(OPENAI_RESPONSES, openai_responses.END),
    Nothing(ANTHROPIC, anthropic.STOP),
    Nothing(ANTHROPIC, anthropic.START + anthropic.STOP),
    Nothing(BEDROCK, bedrock.event("messageStop") + bedrock.METADATA),
    Nothing(GEMINI, b'data: {"candidates": []}\n\n'),
)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.integration.name, marks=row.integration.marks) for row in NOTHINGS]
)
def test_a_stream_of_nothing_but_its_end_is_a_failure(row: Nothing) -> None:
    with Raw() as server:
        llm = row.integration.llm(server)
        (ran,) = asked(server, llm, "sync", True, [(row.body, row.integration.stream_type, 200)])
    assert isinstance(ran.error, ProviderError)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_response_that_failed_is_a_failure_whichever_event_ends_it(status: str) -> None:
    response = {**openai_responses.response(status), "error": {"message": WORDS}}
    kinds = (f"response.{status}", "response.completed")
    answers = [
        (openai_responses.TEXT + openai_responses.event(kind, response=response), "text/event-stream", 200)
        for kind in kinds
    ]
    with Raw() as server:
        for ran in asked(server, OPENAI_RESPONSES.llm(server), "sync", True, answers):
            assert type(ran.error) is ProviderError
            assert WORDS in str(ran.error)


#: Exceptions inside an event stream: their types, and what is in them.
EXCEPTIONS = {
    "of a type that nobody knows": ("modelQuotaException", {"message": WORDS}),
    "in a capital": ("throttlingException", {"Message": WORDS}),
    "as the model said it": ("modelStreamErrorException", {"originalMessage": WORDS, "originalStatusCode": 400}),
    "as a model that is busy said it": ("modelStreamErrorException", {"message": WORDS, "originalStatusCode": 503}),
    "of the service": ("internalServerException", {"message": WORDS}),
    "in no field": ("throttlingException", WORDS),
}


@pytest.mark.skipif(bool(BEDROCK.marks), reason="the extra `bedrock` is not installed")
@pytest.mark.parametrize(("kind", "said"), EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_an_exception_of_an_event_stream_is_a_failure_in_the_servers_words(kind: str, said: Any) -> None:
    exception = framed({":message-type": "exception", ":exception-type": kind}, said)
    with Raw() as server:
        invoked = LLM("bedrock-invoke/amazon.titan-text-lite-v1", base_url=server.origin)
        for llm, begun in ((BEDROCK.llm(server), bedrock.START + bedrock.text("a")), (invoked, b"")):
            (ran,) = asked(server, llm, "sync", True, [(begun + exception, BEDROCK.stream_type, 200)])
            assert type(ran.error) is ProviderError
            may_pass = kind in ("throttlingException", "internalServerException") or "503" in str(said)
            assert (ran.error.code, ran.error.retryable) == (kind, may_pass)
            assert str(ran.error).endswith(f": {WORDS}")


@pytest.mark.skipif(bool(BEDROCK.marks), reason="the extra `bedrock` is not installed")
def test_an_error_message_of_an_event_stream_is_a_failure_with_its_code() -> None:
    headers = {":message-type": "error", ":error-code": "Busy", ":error-message": WORDS}
    answer = (bedrock.START + bedrock.text("a") + framed(headers, {}), BEDROCK.stream_type, 200)
    with Raw() as server:
        (ran,) = asked(server, BEDROCK.llm(server), "sync", True, [answer])
    assert type(ran.error) is ProviderError
    assert (ran.error.code, WORDS in str(ran.error)) == ("Busy", True)
