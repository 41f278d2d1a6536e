"""What the tests record whose model answers with sample code, secrets, and calls of tools that take them."""

from __future__ import annotations

import json
from typing import Any

from harness import LLM, Flow, StreamSession, listen, start

MODEL = "openai/gpt-4o-mini"
LOG_IN = {
    "type": "function",
    "function": {"name": "log_in", "parameters": {"type": "object", "properties": {"user": {"type": "string"}, "password": {"type": "string"}}}},
}  # fmt: skip


def answer(prompt: str) -> StreamSession[Any]:
    return LLM(MODEL, max_retries=0).stream_events(prompt)


class LogInFlow(Flow[dict[str, Any]]):
    """A model calls a tool with a password, and the next request tells it what came of it."""

    @start()
    def ask(self) -> Any:  # type: ignore[override] # a method of the graph may have any name
        calls = {"log_in": lambda user, password: {"user": user, "length": len(password)}}
        return LLM(MODEL, max_retries=0).call("Log me in.", tools=[LOG_IN], available_functions=calls)

    @listen(ask)
    def tell(self, came: dict[str, Any]) -> Any:
        return LLM(MODEL, max_retries=0).call(f"It came to this: {json.dumps(came)}")


class ParsingFlow(Flow[dict[str, Any]]):
    """A run that reads JSON from an answer and gives back what it found."""

    @start()
    def ask(self) -> Any:  # type: ignore[override] # a method of the graph may have any name
        return json.loads(str(LLM(MODEL, max_retries=0).call("Make an account.")))
