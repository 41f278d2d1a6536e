"""What the recorded calls are given: a tool, and a model that an answer must fit."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel


class WeatherReport(BaseModel):
    """The weather in one city."""

    city: str
    temperature_c: float
    summary: str


GET_WEATHER: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Return the current weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def get_weather(city: str) -> str:
    """Return weather that never changes, so that a replay gives what was recorded."""
    return f"It is 7 °C and cloudy in {city}."


def weather_called(prefix: str, colon: str = ":") -> list[dict[str, Any]]:
    """Return a call of the tool for each of two cities, and the results, as messages of a conversation.

    Ids begin with `prefix`; `colon` stands between a name and its value in the arguments.
    """
    results = {"Bergen": "11 degrees", "Narvik": "4 degrees"}
    calls = [
        {
            "id": f"{prefix}_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"city"{colon}"{city}"}}'},
        }
        for city in results
    ]
    return [
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": f"{prefix}_{city}", "content": result} for city, result in results.items()),
    ]
