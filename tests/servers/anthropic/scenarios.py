"""What the Anthropic server answers, as plain data: prompts on one side, replies on the other.

`SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tests.servers import script
from tests.servers.script import (
    CHECKING,
    CROSSING_TEXT,
    HARBOUR_TEXT,
    WEATHER_TEXT,
    Travels,
    conversations,
    travels,
)


@dataclass(frozen=True)
class Thinking:
    """Reasoning, in the open or readable by the provider alone."""

    text: str
    redacted: bool = False


@dataclass(frozen=True)
class Call:
    """One tool call that the model asks for; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Failure:
    """An error in Anthropic's envelope, answered as an HTTP status or sent inside a stream."""

    status: int
    type: str
    message: str


@dataclass(frozen=True)
class Answer(Travels[Failure]):
    """One assistant message: its blocks in order, where text is a string."""

    blocks: tuple[str | Thinking | Call, ...]
    #: Tokens of the prompt that came from the cache, and that went into it.
    cache_read: int = 0
    cache_created: int = 0


Scenario = script.Scenario[Answer | Failure]


def say(*blocks: str | Thinking | Call, **travels: Any) -> Answer:
    return Answer(blocks, **travels)


CROSSING: Final = Thinking("A lighthouse stands still, so the ship must turn. I say so in one sentence.")
HIDDEN: Final = Thinking("What nobody else may read.", redacted=True)
BERGEN_CALL: Final = Call("get_weather", '{"city": "Bergen"}')
NARVIK_CALL: Final = Call("get_weather", '{"city": "Narvik"}')
EMPTY_CALL: Final = Call("get_tide", "{}")


def thinking(needs: str, tools: str) -> dict[str, Scenario]:
    """Return the conversations in which the model calls without arguments, thinks, or reads from its cache."""
    return {
        "empty_tool_call": Scenario("How high is the tide?", (say(EMPTY_CALL),), frozenset({tools})),
        "thinking": Scenario("Ship or lighthouse: who turns?", (say(CROSSING, CROSSING_TEXT),), frozenset({needs})),
        "redacted_thinking": Scenario(
            "Decide behind closed doors.", (say(HIDDEN, CROSSING, CROSSING_TEXT),), frozenset({needs})
        ),
        "cached": Scenario("Read the log book again.", (say(HARBOUR_TEXT, cache_read=2048, cache_created=128),)),
    }


_OVERLOADED: Final = Failure(529, "overloaded_error", "Overloaded")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **conversations(say, BERGEN_CALL, NARVIK_CALL, checking=(CHECKING,), tools="tools", structured="output_config"),
        **thinking("thinking", "tools"),
        "thinking_with_tool": Scenario(
            "Think about the weather in Bergen.",
            (say(CROSSING, CHECKING, BERGEN_CALL), say(WEATHER_TEXT)),
            needs=frozenset({"thinking", "tools"}),
        ),
        "rate_limit": Scenario(
            "Ask far too often.",
            (Failure(429, "rate_limit_error", "This request would exceed your organization's rate limit."),),
        ),
        "overloaded": Scenario("Ask when everybody asks.", (_OVERLOADED,)),
        **travels(say, 6, _OVERLOADED),
    }
)
