"""Turns of a conversation, each answered at once.

Usage, with the runtime's interpreter: turns.py harness|crewai TURNS WHAT; prints turns per second of conversations of ten
turns, 'taken' or 'streamed' (the frames read); with 'last', the milliseconds that the turns around that one take in one long
conversation, answered by a handler, so that nothing is sent to a model; with 'routed' the same, of a class that chooses the
route itself.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.argv[1] == "harness":
    from harness import BaseLLM, Flow, event_bus, listen
    from harness.conversation import ConversationConfig
else:
    os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")
    from crewai import BaseLLM
    from crewai.events import crewai_event_bus as event_bus
    from crewai.flow.conversational import ConversationConfig
    from crewai.flow.flow import Flow, listen

LENGTH = 10
#: So many turns are timed, of which the last is the one that was asked for.
_AROUND = 9
REPLY = "It is."


class Speaker(BaseLLM):
    """Answers at once."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return REPLY


@ConversationConfig(llm=Speaker(model="speaker"))
class Talk(Flow):
    """Has the built-in answer alone."""


@ConversationConfig()
class Own(Flow):
    """Answers itself."""

    @listen("converse")
    def answer(self) -> str:
        return REPLY


class Routed(Own):
    """Chooses the route itself."""

    def route_turn(self, context: dict[str, Any]) -> str:
        return "converse" if context["current_user_message"] else "end"


def main(turns: int, what: str) -> float:
    if what in ("last", "routed"):
        return _last(turns, Routed if what == "routed" else Own)

    def converse() -> None:
        flow = Talk()
        for number in range(LENGTH):
            if what == "streamed":
                session = flow.stream_turn(f"Is it {number}?")
                for _ in session:
                    pass
                reply = session.result
            else:
                reply = flow.handle_turn(f"Is it {number}?")
            if reply != REPLY:
                sys.exit("a turn was not answered")
        flow.finalize_session_traces()

    converse()
    began = time.perf_counter()
    for _ in range(turns // LENGTH):
        converse()
    return turns / (time.perf_counter() - began)


def _last(turns: int, cls: type[Own]) -> float:
    cls().handle_turn("Is it warm?")
    flow, times = cls(), []
    for number in range(turns):
        began = time.perf_counter()
        flow.handle_turn(f"Is it {number}?")
        times.append(time.perf_counter() - began)
    return statistics.median(times[-_AROUND:]) * 1_000


if __name__ == "__main__":
    # CrewAI's own listeners, which show each step in the terminal, are off.
    with event_bus.scoped_handlers():
        print(main(int(sys.argv[2]), sys.argv[3]))
