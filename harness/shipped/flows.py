"""Flows of several calls that are recorded."""

from __future__ import annotations

from typing import Any

from harness.flow import Flow, listen, start
from harness.shipped.question import ShippedProvider
from harness.shipped.weather import GET_WEATHER


class ProviderFlow(Flow[dict[str, Any]]):
    """A flow whose calls go to one provider."""

    def __init__(self, provider: ShippedProvider) -> None:
        """Make a flow that asks `provider`."""
        super().__init__()
        self.provider = provider


class StoryFlow(ProviderFlow):
    """Two steps, the second built on the first."""

    @start()
    def outline(self) -> str:
        """Ask for an outline."""
        self.state["outline"] = self.provider.llm().call("Outline a story about a lighthouse in three points.")
        return str(self.state["outline"])

    @listen(outline)
    def expand(self, outline: str) -> str:
        """Turn the outline into prose."""
        return str(self.provider.llm().call(f"Expand this outline into one paragraph: {outline}"))


class ChainFlow(ProviderFlow):
    """Two answers that do not stream; the second goes on from the first, which the provider has kept."""

    @start()
    def introduce(self) -> str:
        """Say a name."""
        self.state["llm"] = self.provider.llm(stream=False, auto_chain=True)
        return str(self.state["llm"].call("Hello, my name is Ada."))

    @listen(introduce)
    def recall(self, _greeting: str) -> str:
        """Ask for the name, without saying it again."""
        return str(self.state.pop("llm").call("What is my name?"))


class Conversation(ProviderFlow):
    """Two tool calls, which go back with the signature of their thought, and the answer to their results."""

    @start()
    def ask(self) -> Any:  # type: ignore[override] # a method of the graph may have any name
        """Ask, run the tools, and ask again."""
        llm = self.provider.llm()
        question = {"role": "user", "content": "Compare the weather in Bergen and Narvik."}
        calls = llm.call([question], tools=[GET_WEATHER])
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "11 degrees"} for call in calls]
        answer = {"role": "assistant", "content": None, "tool_calls": calls}
        return llm.call([question, answer, *results], tools=[GET_WEATHER])
