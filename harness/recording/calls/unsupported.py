"""Calls to models by APIs that no integration speaks: named for what they are, so that none is taken for something else."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

#: What the path of a URL ends with, host included, and whose API that is.
_APIS: Final = (
    (re.compile(r".*/(?:chat/completions|responses|v1/messages)/"), "a path with a slash at its end"),
    (re.compile(r".*/fim/completions"), "Mistral's completions of code"),
    (re.compile(r".*/(?:agents/completions|conversations(?:/[^/]+)?)"), "Mistral's agents"),
    (re.compile(r".*/threads(?:/[^/]+)?/runs"), "OpenAI's Assistants"),
    (re.compile(r".*/v1/complete"), "Anthropic's legacy completions"),
    (re.compile(r".*/api/generate"), "Ollama's completions"),
    (re.compile(r".*/interactions"), "Gemini's Interactions"),
    (re.compile(r".*:(?:generateMessage|generateText)"), "PaLM's API"),
    (
        re.compile(r"bedrock-agent-runtime\..*/(?:text|retrieveAndGenerate|retrieveAndGenerateStream)"),
        "Bedrock's agents",
    ),
    (re.compile(r".*/endpoints/[^/]+/invocations(?:-response-stream)?"), "SageMaker's endpoints"),
    (re.compile(r".*/ml/v\d+/(?:text|deployments/[^/]+/text)/(?:chat|generation)(?:_stream)?"), "watsonx"),
    (re.compile(r".*/ai/run/@[^/]+/.*"), "Cloudflare's Workers AI"),
    (
        re.compile(r"(?:api-inference\.huggingface\.co|.*\.endpoints\.huggingface\.cloud)/.*"),
        "Hugging Face's inference",
    ),
    (re.compile(r"api\.cohere\.(?:com|ai)/v\d+/generate"), "Cohere's completions"),
    (
        re.compile(r".*/publishers/[^/]+/models/(?!count-tokens:)[^/]+:(?:streamRawPredict|rawPredict)"),
        "models of others on Vertex AI",
    ),
)


def unsupported_api(method: str, url: str) -> str | None:
    """Return whose API a call to a model was made by; None where it is no such call."""
    parts = urlsplit(url)
    if method.upper() != "POST":
        return None
    place = f"{parts.hostname or ''}{parts.path}"
    return next((name for pattern, name in _APIS if pattern.fullmatch(place)), None)
