"""What the shipped recordings of Amazon Bedrock's Converse are recordings of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness import LLM, AsyncStreamSession, Flow, StreamSession, start

MODEL = "bedrock/us.anthropic.claude-sonnet-4-6"
#: Said here, so that a replay depends on nobody's AWS configuration.
ENDPOINT = "https://bedrock-runtime.us-east-1.amazonaws.com"
THINKING = {"type": "enabled", "budget_tokens": 1024}


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


def _llm(model: str = MODEL, **settings: Any) -> LLM:
    return LLM(model, base_url=ENDPOINT, **settings)


def text() -> StreamSession[Any]:
    """A streamed answer."""
    return _llm().stream_events("How is the harbour tonight?")


def async_text() -> AsyncStreamSession[Any]:
    """A streamed answer, read in an event loop."""
    return _llm().astream("Send greetings in several scripts.")


def one_tool() -> StreamSession[Any]:
    """Text and one tool call, run."""
    return _llm().stream_events(
        "What is the weather in Bergen?", tools=[GET_WEATHER], available_functions={"get_weather": get_weather}
    )


def parallel_tools() -> StreamSession[Any]:
    """Two tool calls in one answer, both run."""
    return _llm().stream_events(
        "Compare the weather in Bergen and Narvik.",
        tools=[GET_WEATHER],
        available_functions={"get_weather": get_weather},
    )


def tool_results() -> StreamSession[Any]:
    """The answer to a conversation in which two tools have run; their results travel as one message."""
    calls = [
        {
            "id": f"tooluse_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"city":"{city}"}}'},
        }
        for city in ("Bergen", "Narvik")
    ]
    return _llm().stream_events(
        [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "Compare the weather in Bergen and Narvik."},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "tooluse_Bergen", "content": "11 degrees"},
            {"role": "tool", "tool_call_id": "tooluse_Narvik", "content": "4 degrees"},
        ],
        tools=[GET_WEATHER],
    )


def thinking() -> StreamSession[Any]:
    """Reasoning before the answer."""
    return _llm(thinking=THINKING).stream_events("Ship or lighthouse: who turns?")


def redacted_thinking() -> StreamSession[Any]:
    """Reasoning of which a part is for the provider alone."""
    return _llm(thinking=THINKING).stream_events("Decide behind closed doors.")


def structured_output() -> StreamSession[Any]:
    """An answer that is validated as a pydantic model."""
    return _llm().stream_events("Report the weather in Bergen as JSON.", response_model=WeatherReport)


def cache_usage() -> StreamSession[Any]:
    """A prompt of which a part was in the cache."""
    prompt = {"type": "text", "text": "Read the log book again.", "cache_control": {"type": "ephemeral"}}
    return _llm().stream_events([{"role": "user", "content": [prompt]}])


def length_limited() -> StreamSession[Any]:
    """An answer that the token limit ends."""
    return _llm(max_tokens=5).stream_events("Count the waves.")


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that comes at once, with text and a tool call."""

    @start()
    def ask(self) -> Any:
        """Ask an LLM that does not stream."""
        return _llm(stream=False).call("What is the weather in Bergen?", tools=[GET_WEATHER])


def http_error() -> StreamSession[Any]:
    """A model that does not exist."""
    return _llm("bedrock/us.anthropic.claude-0-lighthouse", max_retries=0).stream_events("How is the harbour tonight?")


def stream_error() -> StreamSession[Any]:
    """An error that the provider reports inside a stream."""
    return _llm(max_retries=0).stream_events("Break in the middle.")


def truncated() -> StreamSession[Any]:
    """A stream that ends before its end marker: a failure, and no short success."""
    return _llm(max_retries=0).stream_events("Stop without an end marker.")
