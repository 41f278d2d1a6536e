"""What the shipped recordings of OpenAI's Responses API are recordings of."""

from __future__ import annotations

from typing import Any

from cassettes.openai.targets import GET_WEATHER, WeatherReport, get_weather
from harness import LLM, AsyncStreamSession, Flow, StreamSession, listen, start

MODEL = "openai-responses/gpt-4o-mini"


def text() -> StreamSession[Any]:
    """A streamed answer, with instructions."""
    return LLM(MODEL).stream_events(
        [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "How is the harbour tonight?"},
        ]
    )


def async_text() -> AsyncStreamSession[Any]:
    """A streamed answer to an async caller."""
    return LLM(MODEL).astream("Send greetings in several scripts.")


def thinking() -> StreamSession[Any]:
    """Summaries of the reasoning before the answer."""
    return LLM(MODEL, reasoning_effort="low", thinking="detailed").stream_events("When is high water?")


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


def tool_results() -> StreamSession[Any]:
    """The answer to the results of two tools."""
    calls = [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": f'{{"city": "{city}"}}'},
        }
        for city in ("Bergen", "Narvik")
    ]
    return LLM(MODEL).stream_events(
        [
            {"role": "user", "content": "Compare the weather in Bergen and Narvik."},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_Bergen", "content": "11 degrees"},
            {"role": "tool", "tool_call_id": "call_Narvik", "content": "4 degrees"},
        ],
        tools=[GET_WEATHER],
    )


def text_and_tool() -> StreamSession[Any]:
    """Reasoning, text and a tool call in one answer, the call left to the caller."""
    return LLM(MODEL, thinking=True).stream_events("Say what you do, then look at the tide.", tools=[GET_WEATHER])


def web_search() -> StreamSession[Any]:
    """An answer for which the provider searched the web."""
    return LLM(MODEL).stream_events("How many people live in Bergen?", tools=[{"type": "web_search"}])


def structured_output() -> StreamSession[Any]:
    """An answer that is validated as a pydantic model."""
    return LLM(MODEL).stream_events("Report the weather in Bergen as JSON.", response_model=WeatherReport)


def length_limited() -> StreamSession[Any]:
    """An answer that the token limit ends."""
    return LLM(MODEL, max_tokens=5).stream_events("Count the waves.")


def http_error() -> StreamSession[Any]:
    """A model that does not exist."""
    return LLM("openai-responses/gpt-0-lighthouse", max_retries=0).stream_events("How is the harbour tonight?")


def stream_error() -> StreamSession[Any]:
    """An error that the provider reports inside a stream."""
    return LLM(MODEL, max_retries=0).stream_events("Break in the middle.")


def truncated() -> StreamSession[Any]:
    """A stream that ends before its end marker: a failure, and no short success."""
    return LLM(MODEL, max_retries=0).stream_events("Stop without an end marker.")


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that comes at once."""

    @start()
    def ask(self) -> str:
        """Ask an LLM that does not stream."""
        return str(LLM(MODEL, stream=False).call("How is the harbour tonight?"))


class ChainFlow(Flow[dict[str, Any]]):
    """Two answers that do not stream; the second goes on from the first, which the provider has kept."""

    @start()
    def introduce(self) -> str:
        """Say a name."""
        self.state["llm"] = LLM(MODEL, stream=False, auto_chain=True)
        return str(self.state["llm"].call("Hello, my name is Ada."))

    @listen(introduce)
    def recall(self, _greeting: str) -> str:
        """Ask for the name, without saying it again."""
        return str(self.state.pop("llm").call("What is my name?"))
