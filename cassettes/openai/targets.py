"""What the shipped recordings of OpenAI chat completions are recordings of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness import LLM, AsyncStreamSession, Flow, StreamSession, listen, start

MODEL = "openai/gpt-4o-mini"


class WeatherReport(BaseModel):
    """The weather in one city."""

    city: str
    temperature_c: float
    summary: str


def _tool(name: str, description: str, *parameters: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {parameter: {"type": "string"} for parameter in parameters},
        "required": list(parameters),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


GET_WEATHER = _tool("get_weather", "Return the current weather in a city.", "city")


def get_weather(city: str) -> str:
    """Return weather that never changes, so that a replay gives what was recorded."""
    return f"It is 7 °C and cloudy in {city}."


def text() -> StreamSession[Any]:
    """A streamed answer."""
    return LLM(MODEL).stream_events("How is the harbour tonight?")


def one_tool() -> StreamSession[Any]:
    """One tool call, run."""
    return LLM(MODEL).stream_events(
        "What is the weather in Bergen?", tools=[GET_WEATHER], available_functions={"get_weather": get_weather}
    )


def parallel_tools() -> StreamSession[Any]:
    """Two tool calls in one answer, both run."""
    return LLM(MODEL).stream_events(
        "Compare the weather in Bergen and Narvik.",
        tools=[GET_WEATHER],
        available_functions={"get_weather": get_weather},
    )


def structured_output() -> StreamSession[Any]:
    """An answer that is validated as a pydantic model."""
    return LLM(MODEL).stream_events("Report the weather in Bergen as JSON.", response_model=WeatherReport)


def length_limited() -> StreamSession[Any]:
    """An answer that the token limit ends."""
    return LLM(MODEL, max_tokens=5).stream_events("Count the waves.")


def http_error() -> StreamSession[Any]:
    """A model that does not exist."""
    return LLM("openai/gpt-0-lighthouse", max_retries=0).stream_events("How is the harbour tonight?")


def truncated() -> StreamSession[Any]:
    """A stream that ends before its end marker: a failure, and no short success."""
    return LLM(MODEL, max_retries=0).stream_events("Stop without an end marker.")


def stream_error() -> StreamSession[Any]:
    """An error that the provider reports inside its stream."""
    return LLM(MODEL, max_retries=0).stream_events("Break in the middle.")


def async_text() -> AsyncStreamSession[Any]:
    """A streamed answer, read by a task."""
    return LLM(MODEL).astream("How is the harbour tonight?")


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that is not streamed, inside a flow that is."""

    @start()
    def ask(self) -> str:
        """Ask an LLM that was told not to stream."""
        return str(LLM(MODEL, stream=False).call("How is the harbour tonight?"))


class StoryFlow(Flow[dict[str, Any]]):
    """Two steps, the second built on the first."""

    @start()
    def outline(self) -> str:
        """Ask for an outline."""
        self.state["outline"] = LLM(MODEL).call("Outline a story about a lighthouse in three points.")
        return str(self.state["outline"])

    @listen(outline)
    def expand(self, outline: str) -> str:
        """Turn the outline into prose."""
        return str(LLM(MODEL).call(f"Expand this outline into one paragraph: {outline}"))
