"""Bodies that are not in the service's form, as gateways send them, taken up before botocore's parser loses what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from harness.providers.shared.failure import failure_in

_EVENTS: Final = "application/vnd.amazon.eventstream"
_REQUEST_ID: Final = "x-amzn-requestid"


class ForeignBodyError(Exception):
    """A response with status 200 whose body is no answer of the service."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(body[:200])
        self.body = body
        #: As botocore's metadata of responses have it.
        self.headers = {"RequestId": headers[_REQUEST_ID]} if _REQUEST_ID in headers else {}


def take_foreign(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Handle botocore's event `before-parse`: a refusal gets the form that is parsed.

    Raises:
        ForeignBodyError: the service says that all is well, and what it sent is no answer.
    """
    status, body, headers = response_dict["status_code"], response_dict["body"], response_dict["headers"]
    if status >= 300:
        if isinstance(body, bytes) and not _is_parsed(body):
            response_dict["body"] = json.dumps({"message": failure_in(body).message or ""}).encode()
        return
    if not operation_model.name.startswith("Converse"):
        # Each model has a form of its own there.
        return
    if not isinstance(body, bytes):
        if not _is_read_at_once(body) or headers.get("content-type", _EVENTS).startswith(_EVENTS):
            return
        body = body.read()
    if b'"output"' not in body:
        raise ForeignBodyError(body, headers)


def _is_parsed(body: bytes) -> bool:
    try:
        sent = json.loads(body)
    except ValueError:
        return False
    return isinstance(sent, dict) and any(isinstance(sent.get(name), str) for name in ("message", "Message"))


def _is_read_at_once(body: Any) -> bool:
    # aiobotocore's bodies are read in a loop.
    return type(body).__module__.partition(".")[0] in ("urllib3", "botocore")
