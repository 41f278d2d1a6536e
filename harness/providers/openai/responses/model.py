"""OpenAI's Responses API, through the official SDK."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from harness.errors import UsageError
from harness.fork import freed_by_fork
from harness.llm.input.items import ReasoningItem
from harness.llm.input.unsent_fields import Carried
from harness.llm.request import LLMRequest
from harness.providers.openai.model import OpenAIModel
from harness.providers.openai.request import CACHE_MARK
from harness.providers.openai.responses.answer import ResponsesAnswer
from harness.providers.openai.responses.request import check_settings, wire_body
from harness.providers.shared.reasoning.thoughts import Thoughts

#: A step is short; a lock of each LLM's own could not be copied with it.
_chaining: Final = freed_by_fork(threading.Lock())
#: The provider's own tools by the names that callers know, where they need more than a type.
_BUILTIN: Final[Mapping[str, Mapping[str, Any]]] = {
    "code_interpreter": {"type": "code_interpreter", "container": {"type": "auto"}},
    "computer_use": {"type": "computer_use_preview"},
}


class OpenAIResponses(OpenAIModel):
    """A model of OpenAI by its Responses API.

    With `auto_chain` each call goes on from the answer before it, which the provider has kept: it needs only what is
    new of the conversation. Such an LLM is one conversation; don't share it.
    """

    path = "/responses"
    asks_for_hosted_tools: ClassVar[bool] = True
    #: Its texts are marked to be cached in its own way alone: the provider caches what it sees again.
    carried = Carried(
        message=frozenset({"refusal"}),
        part=frozenset({"title", "detail", CACHE_MARK}),
        tool=frozenset({"strict"}),
        added_to_tools=True,
    )

    def __init__(
        self,
        *args: Any,
        instructions: str | None = None,
        store: bool | None = None,
        previous_response_id: str | None = None,
        include: Sequence[str] | None = None,
        builtin_tools: Sequence[str | Mapping[str, Any]] | None = None,
        parse_tool_outputs: bool = False,
        auto_chain: bool = False,
        auto_chain_reasoning: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        if parse_tool_outputs:
            raise UsageError(
                "parse_tool_outputs: a call here returns its text; what the provider's own tools did is not taken apart. "
                "Leave it out"
            )
        #: What the model is told before the system messages of each call.
        self.instructions = instructions
        self.store = store
        #: The answer that the first call goes on from.
        self.previous_response_id = previous_response_id
        self.include = list(include or ())
        #: The provider's own tools that each call may use, by name or with their settings.
        self.builtin_tools = [
            dict(_BUILTIN.get(tool, {"type": tool}) if isinstance(tool, str) else tool) for tool in builtin_tools or ()
        ]
        self.auto_chain = auto_chain
        #: Whether the reasoning of each answer goes back with the next call, for a provider that keeps nothing.
        self.auto_chain_reasoning = auto_chain_reasoning
        self._last_reasoning: list[ReasoningItem] = []
        self._thoughts = Thoughts()
        self._last_response_id: str | None = None

    @property
    def last_response_id(self) -> str | None:
        """The provider's id of the last whole answer, from which another call can go on."""
        with _chaining:
            return self._last_response_id

    def reset_chain(self) -> None:
        """Begin a new conversation with the next call."""
        with _chaining:
            self._last_response_id = None
            self._last_reasoning = []

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        check_settings(self)

    def supports_stop_words(self) -> bool:
        return False

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        body = wire_body(
            self,
            self._thoughts.restored(request),
            instructions=self.instructions,
            include=self._included(),
            store=self.store,
            builtin_tools=self.builtin_tools,
        )
        if self.auto_chain and self.last_response_id is not None:
            body.setdefault("previous_response_id", self.last_response_id)
        elif self.previous_response_id is not None:
            body.setdefault("previous_response_id", self.previous_response_id)
        with _chaining:
            reasoning = [item.given() for item in self._last_reasoning]
        if reasoning and isinstance(body.get("input"), list):
            known = {item.get("id") for item in body["input"]}
            body["input"] = [*(item for item in reasoning if item.get("id") not in known), *body["input"]]
        return body

    def _included(self) -> list[str]:
        logprobs = ["message.output_text.logprobs"] if self.logprobs else []
        reasoning = ["reasoning.encrypted_content"] if self.auto_chain_reasoning else []
        return [*self.include, *logprobs, *reasoning]

    def _answer(self, request: LLMRequest) -> ResponsesAnswer:
        return ResponsesAnswer(self.provider)

    def _keep(self, request: LLMRequest, answer: ResponsesAnswer) -> None:
        if answer.ended:
            self._thoughts.keep(request, answer.call_ids, answer.reasoning)
            with _chaining:
                self._last_response_id = answer.response_id
                self._last_reasoning = answer.reasoning if self.auto_chain_reasoning else []
