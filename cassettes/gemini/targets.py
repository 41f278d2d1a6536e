"""What the shipped recordings of Gemini's generateContent are recordings of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness import LLM, AsyncStreamSession, Flow, StreamSession, start

MODEL = "gemini/gemini-2.5-flash"
THINKING = {"includeThoughts": True}


class WeatherReport(BaseModel):
    """The weather in one city."""

    city: str
    temperature_c: float
    summary: str


GET_WEATHER: dict[str, Any] = {
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


def text() -> StreamSession[Any]:
    """A streamed answer."""
    return LLM(MODEL).stream_events("How is the harbour tonight?")


def async_text() -> AsyncStreamSession[Any]:
    """A streamed answer, read in an event loop."""
    return LLM(MODEL).astream("Send greetings in several scripts.")


def one_tool() -> StreamSession[Any]:
    """Text and one tool call, run."""
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


class Conversation(Flow[dict[str, Any]]):
    """Two tool calls, which go back with the signature of their thought, and the answer to their results."""

    @start()
    def ask(self) -> Any:
        """Ask, run the tools, and ask again."""
        llm = LLM(MODEL)
        asked = {"role": "user", "content": "Compare the weather in Bergen and Narvik."}
        calls = llm.call([asked], tools=[GET_WEATHER])
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "11 degrees"} for call in calls]
        answered = {"role": "assistant", "content": None, "tool_calls": calls}
        return llm.call([asked, answered, *results], tools=[GET_WEATHER])


def thinking() -> StreamSession[Any]:
    """Reasoning before the answer."""
    return LLM(MODEL, thinking=THINKING).stream_events("Ship or lighthouse: who turns?")


def structured_output() -> StreamSession[Any]:
    """An answer that is validated as a pydantic model."""
    return LLM(MODEL).stream_events("Report the weather in Bergen as JSON.", response_model=WeatherReport)


def cache_usage() -> StreamSession[Any]:
    """A prompt of which a part was in the cache."""
    return LLM(MODEL).stream_events("Read the log book again.")


def length_limited() -> StreamSession[Any]:
    """An answer that the token limit ends."""
    return LLM(MODEL, max_tokens=3).stream_events("Count the waves.")


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that comes at once, with text and a tool call."""

    @start()
    def ask(self) -> Any:
        """Ask an LLM that does not stream."""
        return LLM(MODEL, stream=False).call("What is the weather in Bergen?", tools=[GET_WEATHER])


def vertex() -> StreamSession[Any]:
    """A streamed answer of Vertex AI, by an API key."""
    return LLM("vertex_ai/gemini-2.5-flash").stream_events("How is the harbour tonight?")


def http_error() -> StreamSession[Any]:
    """A model that does not exist."""
    return LLM("gemini/gemini-0-lighthouse", max_retries=0).stream_events("How is the harbour tonight?")


def stream_error() -> StreamSession[Any]:
    """An error that the provider reports inside a stream."""
    return LLM(MODEL, max_retries=0).stream_events("Break in the middle.")


def truncated() -> StreamSession[Any]:
    """A stream that ends without a finish reason: a failure, and no short success."""
    return LLM(MODEL, max_retries=0).stream_events("Stop without an end marker.")
