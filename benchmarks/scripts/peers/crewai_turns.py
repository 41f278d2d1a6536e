"""Turns of CrewAI's conversations, each answered at once.

Usage, with CrewAI's interpreter: crewai_turns.py TURNS; prints turns per second of conversations of ten turns. Its own
listeners, which show each step in the terminal, are off.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")

from crewai import BaseLLM  # type: ignore[import-not-found]
from crewai.events import crewai_event_bus  # type: ignore[import-not-found]
from crewai.flow.conversational import ConversationConfig  # type: ignore[import-not-found]
from crewai.flow.flow import Flow  # type: ignore[import-not-found]

LENGTH = 10
REPLY = "It is."


class Speaker(BaseLLM):  # type: ignore[misc]
    """Answers at once."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return REPLY


@ConversationConfig(llm=Speaker(model="speaker"))
class Talk(Flow):  # type: ignore[misc]
    """Has the built-in answer alone."""


def main(turns: int) -> float:
    def converse() -> None:
        flow = Talk()
        for number in range(LENGTH):
            if flow.handle_turn(f"Is it {number}?") != REPLY:
                sys.exit("a turn was not answered")
        flow.finalize_session_traces()

    with crewai_event_bus.scoped_handlers():
        converse()
        began = time.perf_counter()
        for _ in range(turns // LENGTH):
            converse()
        return turns / (time.perf_counter() - began)


if __name__ == "__main__":
    print(main(int(sys.argv[1])))
