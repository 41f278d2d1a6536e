"""Anthropic's Messages API, through the official SDK.

Source: https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import anthropic

from harness.llm.request import LLMRequest
from harness.providers.anthropic.answer import AnthropicAnswer
from harness.providers.anthropic.request import BETAS, CARRIED, PATH, asks_by_tool, wire_body
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.calls.structured import StructuredAnswer
from harness.providers.shared.reasoning.thoughts import Thoughts
from harness.providers.shared.requests.wire_body import EXTRA_QUERY, with_query
from harness.providers.shared.stainless import StainlessModel


class Anthropic(StainlessModel):
    """A model of Anthropic, or of a host that speaks its Messages API, such as one at `base_url`.

    `additional_params` may hold `betas`, a list of names, and `extra_query`, as the SDK's beta methods take them. Settings that the API does
    not have (seed, n, penalties, logprobs) are not sent, which a call warns of. The signed reasoning behind tool calls is kept with the instance,
    and goes back with them.
    """

    provider = "anthropic"
    path = PATH
    asks_for_hosted_tools: ClassVar[bool] = True
    carried = CARRIED
    sdk: ClassVar[Any] = anthropic
    key_variables: tuple[str, ...] = ("ANTHROPIC_API_KEY",)

    def __init__(self, *args: Any, tool_search: bool | str | Mapping[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        #: What finds the functions that a call needs, in place of showing all: True, `regex`, `bm25`, or a tool.
        self.tool_search = tool_search
        self._thoughts = Thoughts()

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, self._thoughts.restored(request))

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        call = super()._arguments(request)
        betas = self.additional_params.get(BETAS)
        if betas is not None:
            beta = with_query(self.path, {"beta": "true"})
            call["path"] = with_query(beta, self.additional_params.get(EXTRA_QUERY))
        if betas:
            call["options"] = {"headers": {"anthropic-beta": ",".join(betas)}}
        return call

    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        answer = AnthropicAnswer(self.provider, partial(self._thoughts.keep, request))
        return StructuredAnswer(answer) if asks_by_tool(self, request) else answer
