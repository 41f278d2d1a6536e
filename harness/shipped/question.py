"""One call of an LLM as data, so that the same call can be made of every provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, assert_never

from pydantic import BaseModel

from harness.flow import Flow, start
from harness.llm import LLM
from harness.session import AsyncStreamSession, StreamSession

Session = StreamSession[Any] | AsyncStreamSession[Any]


@dataclass(frozen=True)
class ShippedProvider:
    """What is the same in all calls of one provider, and what is asked of it."""

    #: As in `LLM(model)`.
    model: str
    #: One that the provider does not have.
    unknown_model: str
    #: Scenario → what starts it.
    programs: Mapping[str, Callable[[ShippedProvider], Session]]
    #: As in `LLM(model, **settings)`.
    settings: Mapping[str, Any] = field(default_factory=dict)

    def llm(self, model: str | None = None, **settings: Any) -> LLM:
        """Return an LLM of this provider, of its usual model unless another is named."""
        return LLM(model or self.model, **{**self.settings, **settings})

    def targets(self) -> SimpleNamespace:
        """Return what starts each scenario, called without arguments, as attributes by the scenarios' names."""
        return SimpleNamespace(**{name: partial(program, self) for name, program in self.programs.items()})


@dataclass(frozen=True)
class Question:
    """One call, and how its answer is read."""

    #: Text of the user's, or messages as OpenAI's chat has them.
    prompt: str | list[dict[str, Any]]
    #: On top of the provider's own.
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Another than the provider's usual one.
    model: str | None = None
    #: Asks the model that the provider does not have.
    of_unknown_model: bool = False
    tools: tuple[dict[str, Any], ...] = ()
    #: By the names of the tools; without any, the calls are left to the caller.
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    response_model: type[BaseModel] | None = None
    #: `stream` to a loop, `astream` to a loop of a task, `whole` at once, inside a flow that is streamed.
    reading: Literal["stream", "astream", "whole"] = "stream"

    def __call__(self, provider: ShippedProvider) -> Session:
        """Return the session of this call, made of `provider`; nothing runs before it is iterated."""
        match self.reading:
            case "stream":
                return self.llm(provider).stream_events(self.prompt, **self._options())
            case "astream":
                return self.llm(provider).astream(self.prompt, **self._options())
            case "whole":
                return WholeAnswer(self, provider).stream_events()
            case _:
                assert_never(self.reading)

    def call(self, provider: ShippedProvider) -> Any:
        """Return the answer of `provider`, which is not streamed."""
        return self.llm(provider, stream=False).call(self.prompt, **self._options())

    def llm(self, provider: ShippedProvider, **settings: Any) -> LLM:
        """Return the LLM that is asked."""
        model = provider.unknown_model if self.of_unknown_model else self.model
        return provider.llm(model, **self.settings, **settings)

    def _options(self) -> dict[str, Any]:
        options = {
            "tools": list(self.tools),
            "available_functions": dict(self.functions),
            "response_model": self.response_model,
        }
        return {name: value for name, value in options.items() if value}


class WholeAnswer(Flow[dict[str, Any]]):
    """An answer that comes at once, inside a flow that is streamed."""

    def __init__(self, question: Question, provider: ShippedProvider) -> None:
        """Make a flow that puts `question` to `provider`."""
        super().__init__()
        self._question = question
        self._provider = provider

    @start()
    def ask(self) -> Any:  # type: ignore[override] # a method of the graph may have any name
        """Ask an LLM that was told not to stream."""
        return self._question.call(self._provider)
