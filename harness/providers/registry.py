"""Which provider a recorded request was made to, told from its URL alone."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
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
        """What turns a recorded request into a call of ours, and raises UsageError for one that can't be rebuilt.

        Raises:
            UsageError: there is no integration for this API yet.
        """
        if self.module is None:
            raise UsageError(f"{self.provider} is not supported yet: there is no integration for its wire format")
        return partial(_parsed, importlib.import_module(self.module).parse_recorded)


#: What a parser raises that trusts what it reads to have the shape that the API documents.
_OF_ANOTHER_SHAPE: Final = (AttributeError, KeyError, TypeError, ValueError)


def _parsed(parse: ParseRequest, url: str, body: bytes) -> RecordedCall:
    try:
        return parse(url, body)
    except UsageError:
        raise
    except _OF_ANOTHER_SHAPE as error:
        raise UsageError(
            f"{_culprit(parse, url, json.loads(body))} of the recorded request is not as its API has it "
            f"({type(error).__name__}: {error})"
        ) from error


def _culprit(parse: ParseRequest, url: str, recorded: dict[str, Any]) -> str:
    """Return the field without which the request can be parsed; the conversation's, which it must have, where none is."""
    for name in recorded:
        with contextlib.suppress(UsageError, *_OF_ANOTHER_SHAPE):
            parse(url, json.dumps({field: value for field, value in recorded.items() if field != name}).encode())
            return name
    return next(name for name in ("messages", "contents", "input") if name in recorded)


#: The first row that fits decides.
_APIS: Final = (
    WireAPI(
        "azure",
        re.compile(
            r"https?://[^/]*\.openai\.azure\.com/|.*/openai/deployments/|.*\.models\.ai\.azure\.com/"
            r"|.*\.services\.ai\.azure\.com/models/"
        ),
        "harness.providers.azure.request",
    ),
    WireAPI("openai", re.compile(r".*/chat/completions$"), "harness.providers.openai.request"),
    WireAPI("openai-responses", re.compile(r".*/responses$"), "harness.providers.openai.responses_request"),
    WireAPI("anthropic", re.compile(r".*/v1/messages$"), "harness.providers.anthropic.request"),
    WireAPI("gemini", re.compile(r".*:(streamGenerateContent|generateContent)$"), "harness.providers.gemini.request"),
    WireAPI(
        "bedrock",
        re.compile(r".*/model/[^/]+/(converse|converse-stream|invoke|invoke-with-response-stream)$"),
        "harness.providers.bedrock.request",
    ),
)


def recognized(method: str, url: str) -> WireAPI | None:
    """Return the API that a request was made to; None where it is no call to a model."""
    parts = urlsplit(url)
    target = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if method.upper() != "POST":
        return None
    return next((api for api in _APIS if api.url.match(target)), None)
