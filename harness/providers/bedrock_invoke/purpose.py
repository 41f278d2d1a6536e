"""What a model of Bedrock is invoked for: an answer, or an embedding, an image, a video or a ranking.

`InvokeModel` takes each model's own body. The name of the model tells, or else the fields that only one kind has.
Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html (2026-11).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from harness.providers.shared.requests.recorded_request import body_fields

_INVOKED: Final = re.compile(r".*/model/(?P<model>[^/]+)/invoke(?:-with-response-stream)?$")
#: Parts of the names of models that answer nothing in words.
_NO_ANSWER: Final = re.compile(r"embed|rerank|image|canvas|reel|stability\.|stable-|marengo", re.IGNORECASE)
#: Fields of which a body without messages has one, where it asks for no answer.
_ANSWERLESS: Final = frozenset(
    {"texts", "images", "inputs", "input_type", "embeddingTypes", "embeddingConfig", "inputImage", "documents"}
    | {"taskType", "text_prompts", "textToImageParams", "aspect_ratio", "output_format", "singleEmbeddingParams"}
)


def is_call(url: str, body: bytes | None) -> bool:
    """Whether a request to a model asks for one; `body` is None where it is not known."""
    invoked = _INVOKED.match(url)
    if invoked is None:
        return True
    fields = body_fields(body)
    if "messages" in fields:
        return True
    if _NO_ANSWER.search(unquote(invoked["model"])) or fields.keys() & _ANSWERLESS:
        return False
    # Titan's text models are told how to answer, its embeddings are not.
    return "inputText" not in fields or "textGenerationConfig" in fields
