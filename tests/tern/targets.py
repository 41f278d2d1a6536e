"""What Tern's recordings are recordings of."""

from __future__ import annotations

from typing import Any

from harness import AsyncStreamSession, Flow, StreamSession, start
from tests.tern import Tern

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": CITY}}


def get_weather(city: str) -> str:
    """Return weather that never changes, so that a replay gives what was recorded."""
    return f"It is 7 °C in {city}."


def ask(prompt: str) -> StreamSession[Any]:
    return Tern("tern-1").stream_events(prompt, tools=[WEATHER], available_functions={"get_weather": get_weather})


def text() -> StreamSession[Any]:
    return Tern("tern-1").stream_events("How is the harbour tonight?")


def async_text() -> AsyncStreamSession[Any]:
    return Tern("tern-1").astream("How is the harbour tonight?")


def tool_call() -> StreamSession[Any]:
    return ask("What is the weather in Bergen?")


def two_tool_calls() -> StreamSession[Any]:
    return ask("Compare the weather in Bergen and Narvik.")


def refused() -> StreamSession[Any]:
    return Tern("tern-0").stream_events("How is the harbour tonight?")


class NotStreamed(Flow[dict[str, Any]]):
    """`stream_events()` of an LLM always streams; what does not is called inside a flow."""

    @start()
    def answer(self) -> str:
        return str(Tern("tern-1", stream=False).call("How is the harbour tonight?"))
