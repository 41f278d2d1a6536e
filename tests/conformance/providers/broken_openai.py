"""Broken integrations of OpenAI's chat completions: the sound one with one thing wrong, and what was recorded of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from harness import BaseLLM, StreamSession
from harness.errors import ProviderError
from harness.llm import Finish, LLMRequest, TextDelta, ToolCallDelta, Usage
from harness.llm.output.parts import Part
from harness.providers.openai.chat import OpenAIChat
from harness.shipped.weather import GET_WEATHER, get_weather


class Broken(OpenAIChat):
    """Changes the parts of the sound integration, alike in both ways."""

    def change(self, parts: Iterable[Part]) -> Iterator[Part]:
        yield from parts

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        return self.change(super().generate(request))

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        async for part in super().agenerate(request):
            for changed in self.change([part]):
                yield changed


class Sound:
    """The recorded targets; each broken integration has them under its own name."""

    LLM: type[BaseLLM] = Broken

    @classmethod
    def text(cls) -> StreamSession[Any]:
        return cls.LLM("openai/gpt-4o-mini").stream_events("How is the harbour tonight?")

    @classmethod
    def parallel_tool_calls(cls) -> StreamSession[Any]:
        return cls.LLM("openai/gpt-4o-mini").stream_events(
            "Compare the weather in Bergen and Narvik.",
            tools=[GET_WEATHER],
            available_functions={"get_weather": get_weather},
        )


class NoUsage(Sound):
    class LLM(Broken):
        def change(self, parts: Iterable[Part]) -> Iterator[Part]:
            return (part for part in parts if not isinstance(part, Usage))


class ShortIsWhole(Sound):
    class LLM(Broken):
        def change(self, parts: Iterable[Part]) -> Iterator[Part]:
            yield from parts
            yield Finish("stop")


class ErrorEventsPass(Sound):
    class LLM(Broken):
        def change(self, parts: Iterable[Part]) -> Iterator[Part]:
            try:
                yield from parts
            except ProviderError:
                yield Finish("stop")


class FirstToolOnly(Sound):
    class LLM(Broken):
        def change(self, parts: Iterable[Part]) -> Iterator[Part]:
            return (part for part in parts if not (isinstance(part, ToolCallDelta) and part.index > 0))


class ShorterInLoops(Sound):
    class LLM(Broken):
        async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
            async for part in super().agenerate(request):
                yield TextDelta(part.text.strip()) if isinstance(part, TextDelta) else part


class OtherReason(Sound):
    class LLM(Broken):
        def change(self, parts: Iterable[Part]) -> Iterator[Part]:
            return (Finish("other", part.raw) if isinstance(part, Finish) else part for part in parts)


class NoRequestId(Sound):
    class LLM(Broken):
        async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
            try:
                async for part in super().agenerate(request):
                    yield part
            except ProviderError as error:
                error.request_id = None
                raise
