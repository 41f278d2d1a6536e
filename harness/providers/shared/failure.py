"""What a server wrote of a failure, in whichever form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

#: Statuses after which the same request may succeed. 498: Groq has no room, 520 to 524: Cloudflare does not reach its host,
#: 529: Anthropic is overloaded.
RETRYABLE: Final = frozenset({408, 409, 429, 498, 500, 502, 503, 504, *range(520, 525), 529})
#: Seconds, as in OpenAI's SDK. That the same request may succeed after longer is told at once, whatever an SDK would wait for.
LONGEST_WAIT_S: Final = 120
#: What HTTP libraries raise, by the package that it comes from.
_HTTP_LIBRARIES: Final = frozenset({"httpx", "httpx2", "aiohttp", "urllib3", "requests"})

#: Words of codes that say: later, perhaps.
_PASSING: Final = re.compile(
    r"overloaded|rate_?limit|too_?many_?requests|throttl|unavailable|exhausted|capacity|network_error|time_?out"
    r"|insufficient_system_resource|server_?error|api_error|internal",
    re.IGNORECASE,
)
#: What providers say of a conversation that is longer than the model's window. Names and ids have limits of their own, which
#: are short, and so have images and tools.
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|tokens_limit_reached|max_prompt_tokens_exceeded|"
    r"context[ _]?(length|window|size)[^.]{0,40}(exceed|limit|too)|"
    r"(exceeds?|\bover\b|maximum|(larger|greater|longer) than)[^.]{0,60}context[ _]?(length|window|size)|"
    r"exceeds?[^.]{0,20} context limit|"
    r"prompt is too long|input is too long|too many input tokens|reduce the length of the messages|"
    r"exceeds the maximum number of tokens|number of input tokens exceeds maximum|input token count[^.]{0,40}exceeds|"
    # OpenAI of a text; xAI; Cohere; Zhipu; Copilot.
    r"expected a string with maximum length \d{6}|"
    r"maximum prompt length|"
    r"tokens in the prompt cannot exceed|"
    r"prompt exceeds max length|"
    r"prompt token count of \d+ exceeds|"
    # Moonshot; Alibaba; LM Studio; TGI.
    r"exceeded model token limit|"
    r"range of input length should be|"
    r"context (the )?overflows|"
    r"`inputs` (tokens \+ `max_new_tokens` must be <=|must have less than) \d",
    re.IGNORECASE,
)
#: A code that stands where the words of a failure may stand.
_CODE: Final = re.compile(r"[A-Za-z][\w.-]*")
#: The fields in which servers write an HTTP status, and those in which they write what went wrong.
_STATUSES: Final = ("code", "status", "status_code", "statusCode", "http_code", "originalStatusCode")
MESSAGES: Final = (
    *("message", "detail", "msg", "error_description", "error_message", "error_msg", "errorMessage", "errors"),
    "status_msg",
)
#: Those of AWS, which say so in failures alone.
_AWS_MESSAGES: Final = ("Message", "originalMessage")
#: Where servers write their id of the request: Anthropic (https://platform.claude.com/docs/en/api/errors), Alibaba, Google.
_REQUEST_IDS: Final = ("request_id", "requestId")
#: How much is shown of what has no field for it, such as a page of HTML.
_SHOWN: Final = 1_000


class Failure(NamedTuple):
    """What a server wrote."""

    #: In its own words; None where it wrote nothing.
    message: str | None
    #: Its own machine-readable code.
    code: str | None = None
    #: The HTTP status that it names, inside a success too.
    status: int | None = None
    #: What else it says of its kind.
    kind: str = ""
    #: Its id of the request, which some write beside the words, or nowhere else.
    request_id: str | None = None

    @property
    def may_pass(self) -> bool:
        """Whether it says that the same request may succeed later."""
        is_passing = self.status in RETRYABLE or _PASSING.search(f"{self.code} {self.kind}") is not None
        return is_passing and not self.is_too_long

    @property
    def is_too_long(self) -> bool:
        """Whether it says that the conversation does not fit into the model's window."""
        return _TOO_LONG.search(f"{self.code} {self.message}") is not None


def failure_in(sent: Any, code_field: str = "code") -> Failure:
    """Return what a failed response, or an error inside an answer, says; `code_field` holds the provider's code."""
    if isinstance(sent, bytes):
        try:
            return failure_in(json.loads(sent), code_field)
        except (ValueError, RecursionError):
            sent = sent.decode("utf-8", "replace")
    if isinstance(sent, str):
        text = sent.strip()[:_SHOWN]
        return Failure(text or None, text if _CODE.fullmatch(text) else None)
    if isinstance(sent, Sequence):
        found = [failure_in(failure, code_field) for failure in sent]
        messages = "; ".join(filter(None, (failure.message for failure in found)))
        return (found[0] if found else Failure(None))._replace(message=messages or None)
    if not isinstance(sent, Mapping):
        return Failure(None if sent is None else str(sent))
    kinds = " ".join(value for name in ("type", "status") if isinstance(value := sent.get(name), str))
    code = None if sent.get(code_field) is None else str(sent[code_field])
    own = Failure(_message(sent, code_field), code, _status(sent), kinds, _request_id(sent))
    inner = sent.get("error")
    if not inner or isinstance(inner, bool | int):
        return own
    nested = failure_in(inner, code_field)
    if isinstance(inner, str) and own.message and own.message != nested.message:
        # A short name stands beside the words, or a title.
        is_code = _CODE.fullmatch(inner) is not None
        return own._replace(
            code=own.code or nested.code, message=own.message if is_code else f"{nested.message}: {own.message}"
        )
    return Failure(
        nested.message or own.message,
        nested.code or own.code,
        nested.status or own.status,
        nested.kind or own.kind,
        nested.request_id or own.request_id,
    )


def _message(sent: Mapping[str, Any], code_field: str) -> str | None:
    for name in (*MESSAGES, *_AWS_MESSAGES):
        if sent.get(name):
            # Where a form is checked, the place stands beside each message.
            place = ".".join(map(str, sent["loc"])) + ": " if isinstance(sent.get("loc"), Sequence) else ""
            return f"{place}{failure_in(sent[name], code_field).message}"
    return json.dumps(sent, ensure_ascii=False)[:_SHOWN] if sent and "error" not in sent else None


def _status(sent: Mapping[str, Any]) -> int | None:
    numbers = (str(sent.get(name)) for name in _STATUSES)
    return next((int(number) for number in numbers if re.fullmatch(r"[45]\d\d", number)), None)


def _request_id(sent: Mapping[str, Any]) -> str | None:
    # Google has it among the details of an error.
    details = sent.get("details")
    places = (sent, *(details if isinstance(details, list) else ()))
    found = (place.get(name) for place in places if isinstance(place, Mapping) for name in _REQUEST_IDS)
    return next((value for value in found if value and isinstance(value, str)), None)


def is_transport_error(error: Exception) -> bool:
    """Whether this is an error of an HTTP library that an SDK let through."""
    return type(error).__module__.partition(".")[0] in _HTTP_LIBRARIES or isinstance(error, TimeoutError)
