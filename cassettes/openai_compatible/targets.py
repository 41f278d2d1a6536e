"""What the shipped recordings of hosts that speak OpenAI's chat completions are recordings of."""

from __future__ import annotations

from typing import Any

from cassettes.openai.targets import GET_WEATHER, WeatherReport, get_weather
from harness import LLM, AsyncStreamSession, Flow, StreamSession, start

MODEL = "openrouter/openai/gpt-4o-mini"


def text() -> StreamSession[Any]:
    """A streamed answer, after a comment that keeps the connection awake."""
    return LLM(MODEL).stream_events("How is the harbour tonight?")


def async_text() -> AsyncStreamSession[Any]:
    """A streamed answer to an async caller."""
    return LLM(MODEL).astream("Send greetings in several scripts.")


def thinking() -> StreamSession[Any]:
    """Reasoning before the answer, as OpenRouter shows it."""
    return LLM("openrouter/deepseek/deepseek-r1").stream_events("Ship or lighthouse: who turns?")


def deepseek_thinking() -> StreamSession[Any]:
    """Reasoning before the answer, as DeepSeek shows it."""
    return LLM("deepseek/deepseek-reasoner").stream_events("Ship or lighthouse: who turns?")


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
    return LLM("openrouter/openai/gpt-0-lighthouse", max_retries=0).stream_events("How is the harbour tonight?")


def stream_error() -> StreamSession[Any]:
    """An error that the host reports inside a stream."""
    return LLM(MODEL, max_retries=0).stream_events("Break in the middle.")


def truncated() -> StreamSession[Any]:
    """A stream that ends before its end marker: a failure, and no short success."""
    return LLM(MODEL, max_retries=0).stream_events("Stop without an end marker.")


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that comes at once."""

    @start()
    def ask(self) -> Any:
        """Ask an LLM that does not stream."""
        return LLM(MODEL, stream=False).call("How is the harbour tonight?")
