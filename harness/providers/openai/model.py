"""What the wire APIs of OpenAI have in common: the official SDK, its keys and context windows."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from harness.providers.openai.sdk import openai
from harness.providers.shared.stainless import StainlessModel

#: Tokens that fit into a request and its answer, by the longest prefix of the model's name.
_WINDOWS: Final[dict[str, int]] = {
    "gpt-4": 8_192,
    "gpt-4-turbo": 128_000,
    "gpt-4o": 128_000,
    "gpt-4.1": 1_047_576,
    "gpt-5": 400_000,
    "o1": 200_000,
    "o3": 200_000,
    "o4": 200_000,
}


class OpenAIModel(StainlessModel):
    """A model that the OpenAI SDK reaches, at OpenAI or at `base_url`. A subclass speaks one wire API."""

    provider = "openai"
    sdk: ClassVar[Any] = openai
    key_variables: tuple[str, ...] = ("OPENAI_API_KEY",)

    def get_context_window_size(self) -> int:
        fitting = [prefix for prefix in _WINDOWS if self.model.startswith(prefix)]
        return _WINDOWS[max(fitting, key=len)] if fitting else super().get_context_window_size()
