"""What the wire APIs of OpenAI have in common: the official SDK, its keys and addresses."""

from __future__ import annotations

from typing import Any, ClassVar

import openai

from harness.llm.settings import environment
from harness.providers.openai.request import ADDRESSES
from harness.providers.shared.stainless import StainlessModel


class OpenAIModel(StainlessModel):
    """A model that the OpenAI SDK reaches, at OpenAI or at `base_url`. A subclass speaks one wire API."""

    provider = "openai"
    sdk: ClassVar[Any] = openai
    key_variables: tuple[str, ...] = ("OPENAI_API_KEY",)
    of_client = (*StainlessModel.of_client, "organization", "project")

    def _address(self) -> str | None:
        return self.base_url or environment(ADDRESSES)
