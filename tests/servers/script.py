"""What a provider on loopback says, whatever its format: texts, conversations, and the ways in which answers travel.

The texts are short and our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from tests.servers.wire_server import Ending

A = TypeVar("A", bound="Travels[Any]")
F = TypeVar("F")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

HARBOUR_TEXT: Final = "The harbour is calm tonight, and every boat is home."
UNICODE_TEXT: Final = "Grüße aus Århus: 灯台 🗼 e\u0301té, und 👩‍🚀 winkt."
WEATHER_TEXT: Final = "It is 11 degrees in Bergen."
BOTH_TEXT: Final = "Bergen has 11 degrees and Narvik 4."
WAVES_TEXT: Final = "One wave, two waves, three waves, and they go on."
REPORT_JSON: Final = '{"city":"Bergen","temperature_c":11,"summary":"Light rain, clearing by noon."}'
CHECKING: Final = "Let me look."
CROSSING_TEXT: Final = "The ship turns, for the lighthouse can't."


@dataclass(frozen=True, kw_only=True)
class Travels(Generic[F]):
    """How an answer travels. Positions count events of its stream from 1."""

    #: The stream sends this many events and nothing after them, its end marker included.
    cut_after: int | None = None
    #: How the cut body ends.
    ending: Ending = Ending.WHOLE
    #: Sent as the event that follows a cut.
    failure: F | None = None
    #: Wait for `server.hold` before the status line, or after this many events.
    hold: Literal["head"] | int | None = None


@dataclass(frozen=True)
class Scenario(Generic[R_co]):
    """A conversation that a server can hold.

    It is chosen when `prompt` is contained in the last text of the user (the longest prompt wins), and the model is
    `model` where one is named. A request without the keys of `needs` is refused.
    """

    prompt: str
    #: Reply n answers the request with n turns of the assistant after the prompt; the last one answers the rest.
    replies: tuple[R_co, ...]
    needs: frozenset[str] = frozenset()
    model: str | None = None


class Turn(NamedTuple):
    """One message of a request: who said what."""

    role: str | None
    text: str


def choose(
    scenarios: Mapping[str, Scenario[R]], turns: Sequence[Turn], model: str | None = None
) -> tuple[str, R] | None:
    """Return the scenario's name and the reply that comes next in it, or None where no scenario fits."""
    asked = max((place for place, turn in enumerate(turns) if turn.role == "user" and turn.text), default=None)
    if asked is None:
        return None
    fitting = [
        (len(scenario.prompt), name)
        for name, scenario in scenarios.items()
        if scenario.prompt in turns[asked].text and scenario.model in (None, model)
    ]
    if not fitting:
        return None
    name = max(fitting)[1]
    replies = scenarios[name].replies
    step = sum(turn.role == "assistant" for turn in turns[asked + 1 :])
    return name, replies[min(step, len(replies) - 1)]


def conversations(
    say: Callable[..., A],
    bergen: object,
    narvik: object,
    *,
    checking: tuple[str, ...] = (),
    tools: str | None = None,
    structured: str | None = None,
) -> dict[str, Scenario[A]]:
    """Return the conversations that every provider can hold.

    `say` makes an answer of texts and calls, and `checking` is what is said before a lone call. `tools` and
    `structured` are the fields of a request that has tools, and that asks for JSON.
    """
    tools_needed = frozenset({tools} if tools else ())
    return {
        "text": Scenario("How is the harbour tonight?", (say(HARBOUR_TEXT),)),
        "unicode": Scenario("Send greetings in several scripts.", (say(UNICODE_TEXT),)),
        "tool_call": Scenario(
            "What is the weather in Bergen?", (say(*checking, bergen), say(WEATHER_TEXT)), tools_needed
        ),
        "parallel_tool_calls": Scenario(
            "Compare the weather in Bergen and Narvik.", (say(bergen, narvik), say(BOTH_TEXT)), tools_needed
        ),
        "structured": Scenario(
            "Report the weather in Bergen as JSON.",
            (say(REPORT_JSON),),
            frozenset({structured} if structured else ()),
        ),
        # Cut by the limit that the request names, one token being one delta.
        "length": Scenario("Count the waves.", (say(WAVES_TEXT),)),
    }


def travels(say: Callable[..., A], after: int, fault: F) -> dict[str, Scenario[A | F]]:
    """Return a scenario for each way in which an answer may travel but whole; it breaks or stops `after` so many events."""
    ways: dict[str, tuple[str, A]] = {
        "stream_error": ("Break in the middle.", say(HARBOUR_TEXT, cut_after=after, failure=fault)),
        "truncated": ("Stop without an end marker.", say(HARBOUR_TEXT, cut_after=after)),
        "truncated_eof": ("Hang up half-way.", say(HARBOUR_TEXT, cut_after=after, ending=Ending.EOF)),
        "truncated_reset": ("Reset half-way.", say(HARBOUR_TEXT, cut_after=after, ending=Ending.RESET)),
        "blocked_head": ("Think before you answer.", say(HARBOUR_TEXT, hold="head")),
        "blocked_body": ("Pause after a few words.", say(HARBOUR_TEXT, hold=after)),
    }
    return {name: Scenario(prompt, (answer,)) for name, (prompt, answer) in ways.items()}
