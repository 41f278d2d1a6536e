"""What there is to know of an integration, so that what all must do alike is tested once: rows, by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

import pytest
from pydantic import BaseModel

from harness.errors import ProviderConnectionError, ProviderError, StreamTruncatedError
from harness.llm import LLM
from tests.llm.scripted import Ran, Way, in_session, streamed
from tests.servers.script import HARBOUR_TEXT, REPORT_JSON, UNICODE_TEXT, Scenario
from tests.servers.scripted_server import ScriptedServer
from tests.servers.wire_server import WireServer

KEY: Final = "a-key-for-loopback"
#: Functions in the form that callers give them.
TOOLS: Final[list[dict[str, Any]]] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "get_tide")
]
BERGEN: Final = ("get_weather", {"city": "Bergen"})
NARVIK: Final = ("get_weather", {"city": "Narvik"})


# Without a docstring, which would be a description in its schema.
class Report(BaseModel):
    city: str
    temperature_c: float
    summary: str


#: `Report` as strict providers want its schema.
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Report",
    "properties": {
        "city": {"type": "string", "title": "City"},
        "temperature_c": {"type": "number", "title": "Temperature C"},
        "summary": {"type": "string", "title": "Summary"},
    },
    "required": ["city", "temperature_c", "summary"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Answer:
    """What comes of a scenario that ends well."""

    scenario: str
    text: str = ""
    #: Name, and the arguments as a JSON value.
    calls: tuple[tuple[str, Any], ...] = ()
    thinking: str = ""
    reason: str = "stop"
    #: What usage says otherwise than of an ordinary answer.
    usage: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


def ordinary(checking: str = "", *, limit: Mapping[str, Any] | None = None) -> tuple[Answer, ...]:
    """Return the answers that every provider gives; `checking` is said before a lone call, `limit` cuts an answer."""
    return (
        Answer("text", HARBOUR_TEXT),
        Answer("unicode", UNICODE_TEXT),
        Answer("tool_call", checking, (BERGEN,), reason="tool_calls", keywords={"tools": TOOLS}),
        Answer("parallel_tool_calls", "", (BERGEN, NARVIK), reason="tool_calls", keywords={"tools": TOOLS}),
        Answer("structured", REPORT_JSON, keywords={"response_model": Report}),
        Answer("length", "One wave, two", reason="length", settings=limit or {}),
    )


@dataclass(frozen=True)
class Refusal:
    """A scenario that is answered with an HTTP error."""

    scenario: str
    status: int
    code: str | None
    retryable: bool = True


@dataclass(frozen=True)
class Break:
    """A scenario whose stream breaks off."""

    scenario: str
    kind: type[ProviderError]
    #: What the error says.
    told: str
    code: str | None = None
    retryable: bool = True
    keywords: Mapping[str, Any] = field(default_factory=dict)
    #: The transcript's lines between start and failure; None: those of the integration.
    came: tuple[str, ...] | None = None


TRUNCATIONS: Final = (
    Break("truncated", StreamTruncatedError, "ended before its end marker"),
    Break("truncated_eof", StreamTruncatedError, "was cut before its end marker"),
    Break("truncated_reset", StreamTruncatedError, "was cut before its end marker"),
)


def reported(told: str, code: str | None = None) -> Break:
    """Return the row of an error that the provider reports inside its stream."""
    return Break("stream_error", ProviderError, f"reported an error inside the stream: {told}", code)


@dataclass(frozen=True)
class Stream:
    """The bytes of a stream that a host may send, and the transcript's lines after the start."""

    name: str
    body: bytes
    told: list[str]


@dataclass(frozen=True)
class Body:
    """What a call is given, and what the body that is sent holds besides model and prompt."""

    name: str
    sent: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False
    #: What the provider has no place for, as the warning names it.
    unsent: str = ""


@dataclass(frozen=True)
class SDK:
    """The package that an integration needs, the modules of it that lead to its import, and the extra that brings it."""

    package: str
    modules: tuple[str, ...]
    extra: str


@dataclass(frozen=True)
class Usage:
    """How usage is told."""

    #: The optional counts of a whole answer that neither thinks nor reads from a cache.
    whole: Mapping[str, int]
    #: Those of a streamed one.
    streamed: Mapping[str, int]
    #: The provider's names of the counts that make the prompt, and of those that make the answer.
    prompt: tuple[str, ...]
    completion: tuple[str, ...]


@dataclass(frozen=True)
class Integration:
    """One provider's integration, the server that speaks its format, and what comes of it."""

    #: As ids of tests have it.
    name: str
    #: As errors have it.
    provider: str
    #: As `LLM` takes it.
    model: str
    server: Callable[[], ScriptedServer[Any, Any]]
    scenarios: Mapping[str, Scenario[Any]]
    sdk: SDK
    #: What an error says to one who gave no key, model strings that need one, and the variables that hold it.
    key_told: str
    keyless: tuple[str, ...]
    variables: tuple[str, ...]
    #: The header that shows who asks, and a pattern of what it holds.
    credential: tuple[str, str]
    #: What a request holds when nothing is set.
    asked: Callable[[str], Mapping[str, Any]]
    bodies: tuple[Body, ...]
    answers: tuple[Answer, ...]
    usage: Usage
    #: Finish reason → the provider's own.
    raw_reasons: Mapping[str, str]
    #: Patterns of the ids that answers and requests have; None: the provider gives none.
    response_id: str | None
    request_id: str | None
    refusals: tuple[Refusal, ...]
    #: What is asked not to stream gets of an error that a stream would report in its middle.
    fault: Refusal
    breaks: tuple[Break, ...]
    streams: tuple[Stream, ...]
    #: The one of `streams` that is split in every way; it holds characters of several bytes.
    split: Stream
    #: Bodies that are no whole answer.
    no_answers: tuple[bytes, ...]
    #: The name of the wire format in which the suite reads recorded answers, and of the provider in the corpus.
    wire: str
    corpus: str
    #: How far apart the places are at which `split` is parted in two; where each byte comes alone, all are tried at once.
    split_step: int = 16
    stream_type: str = "text/event-stream"
    settings: Mapping[str, Any] = field(default_factory=lambda: {"api_key": KEY})
    #: Dotted names, and what they are replaced with so that nobody waits before a retry.
    hurry: Mapping[str, Any] = field(default_factory=dict)
    #: The lines that come before a stream breaks off.
    came: tuple[str, ...] = ("text 'The'", "text ' harbour'", "text ' is'")
    #: What a whole answer that breaks off may be.
    cut_whole: tuple[type[ProviderError], ...] = (ProviderConnectionError,)

    def llm(self, server: WireServer, **settings: Any) -> LLM:
        """Return an LLM whose provider is `server`."""
        base_url = server.base_url if isinstance(server, ScriptedServer) else server.origin
        return LLM(self.model, **{"base_url": base_url, "max_retries": 0, **self.settings, **settings})

    @property
    def prompts(self) -> Mapping[str, str]:
        """What each scenario is asked."""
        return {name: scenario.prompt for name, scenario in self.scenarios.items()}

    @property
    def marks(self) -> tuple[pytest.MarkDecorator, ...]:
        is_missing = find_spec(self.sdk.package.partition(".")[0]) is None
        return (pytest.mark.skip(reason=f"the extra `{self.sdk.extra}` is not installed"),) if is_missing else ()


def ask(llm: LLM, way: Way, streams: bool, prompt: str, **keywords: Any) -> Ran:
    """Return what a call gives that streams or not."""
    if streams:
        return streamed(llm, way, prompt, **keywords)
    llm.stream = False
    return in_session(llm, way, prompt, **keywords)
