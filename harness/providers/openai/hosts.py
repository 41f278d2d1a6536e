"""Hosts that speak OpenAI's chat completions: each is a row that says where it is and which variables hold its key."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Host(Struct, frozen=True):
    """One host, by the API's address and the environment variables that may hold its key and another address."""

    #: With `{}` for what the caller must fill in, by an address of their own.
    base_url: str
    #: In order.
    key_variables: tuple[str, ...] = ()
    base_url_variables: tuple[str, ...] = ()
    #: Whether it answers nobody without a key.
    needs_key: bool = True
    #: Whether its address is known without the path, as Ollama's: then `/v1` is added.
    is_bare: bool = False


_OLLAMA: Final = Host(
    "http://localhost:11434/v1",
    ("OLLAMA_API_KEY",),
    ("OLLAMA_BASE_URL", "OLLAMA_API_BASE", "OLLAMA_HOST"),
    needs_key=False,
    is_bare=True,
)

#: The hosts by the provider's name in a model string. Their documentation was read in 2026-11.
HOSTS: Final = MappingProxyType(
    {
        "cerebras": Host("https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), ("CEREBRAS_BASE_URL",)),
        "dashscope": Host(
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", ("DASHSCOPE_API_KEY",), ("DASHSCOPE_BASE_URL",)
        ),
        "deepseek": Host("https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), ("DEEPSEEK_BASE_URL",)),
        "fireworks_ai": Host("https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY")),
        "groq": Host("https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
        "hosted_vllm": Host(
            "http://localhost:8000/v1",
            ("VLLM_API_KEY", "HOSTED_VLLM_API_KEY"),
            ("VLLM_BASE_URL", "HOSTED_VLLM_API_BASE"),
            needs_key=False,
        ),
        "lm_studio": Host("http://localhost:1234/v1", ("LM_STUDIO_API_KEY",), ("LM_STUDIO_API_BASE",), needs_key=False),
        "ollama": _OLLAMA,
        "ollama_chat": _OLLAMA,
        "openrouter": Host("https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), ("OPENROUTER_BASE_URL",)),
        "snowflake": Host(
            "https://{}.snowflakecomputing.com/api/v2/cortex/v1",
            ("SNOWFLAKE_PAT", "SNOWFLAKE_TOKEN", "SNOWFLAKE_JWT"),
            ("SNOWFLAKE_API_BASE", "SNOWFLAKE_BASE_URL"),
        ),
        "together_ai": Host("https://api.together.xyz/v1", ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY")),
        "xai": Host("https://api.x.ai/v1", ("XAI_API_KEY",)),
    }
)
