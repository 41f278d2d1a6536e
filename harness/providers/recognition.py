"""Which provider a recorded request was made to, told from its URL alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.llm.recorded import RecordedCall

ParseRequest = Callable[[str, bytes], RecordedCall]


@dataclass(frozen=True)
class WireAPI:
    """One wire API of one provider."""

    #: As in a report, such as `openai` or `anthropic`.
    provider: str
    #: What its URLs look like, from the scheme on, without the query.
    url: re.Pattern[str]
    #: The module whose `parse_recorded(url, body)` reads its requests; None while there is no integration.
    module: str | None = None

    @property
    def parse(self) -> ParseRequest:
        """What turns a recorded request into a call of ours.

        Raises:
            UsageError: there is no integration for this API yet.
        """
        if self.module is None:
            raise UsageError(f"{self.provider} is not supported yet: there is no integration for its wire format")
        parse: ParseRequest = importlib.import_module(self.module).parse_recorded
        return parse


#: The first row that fits decides.
_APIS: Final = (
    WireAPI(
        "azure",
        re.compile(r"https?://[^/]*\.openai\.azure\.com/|.*/openai/deployments/|.*\.models\.ai\.azure\.com/"),
        "harness.providers.azure_request",
    ),
    WireAPI("openai", re.compile(r".*/chat/completions$"), "harness.providers.openai_request"),
    WireAPI("openai-responses", re.compile(r".*/responses$"), "harness.providers.openai_responses_request"),
    WireAPI("anthropic", re.compile(r".*/v1/messages$"), "harness.providers.anthropic_request"),
    WireAPI("gemini", re.compile(r".*:(streamGenerateContent|generateContent)$"), "harness.providers.gemini_request"),
    WireAPI(
        "bedrock",
        re.compile(r".*/model/[^/]+/(converse|converse-stream|invoke|invoke-with-response-stream)$"),
        "harness.providers.bedrock_request",
    ),
)


def recognized(method: str, url: str) -> WireAPI | None:
    """Return the API that a request was made to; None where it is no call to a model."""
    parts = urlsplit(url)
    target = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if method.upper() != "POST":
        return None
    return next((api for api in _APIS if api.url.match(target)), None)
