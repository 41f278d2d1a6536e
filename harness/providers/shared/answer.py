"""One answer as it grows: what its response's head says, its pieces as parts, and what is wrong with it."""

from __future__ import annotations

import contextlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, ClassVar, Final, NoReturn

import msgspec

from harness.errors import (
    LLMContextLengthExceededError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
)
from harness.llm.output.parts import Finish, FinishReason, Part, ResponseStarted
from harness.providers.shared.failure import MESSAGES, RETRYABLE, Failure, failure_in
from harness.providers.shared.shapes import as_id
from harness.providers.shared.sse import SSEDecoder

_DONE: Final = b"[DONE]"
#: Words of a reason for an end that say: it failed. Titan's filter calls what it stops an error.
_FAILED: Final = re.compile(
    r"error(?!_toxic)|abort|fail|cancel|time_?out|overload|unavailable|crash|insufficient_system_resource",
    re.IGNORECASE,
)
#: How a body of server-sent events begins.
_EVENTS: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry|error)?:")
#: Characters that an error shows of what is no JSON, such as a page of HTML.
_SHOWN: Final = 1_000


class ProviderAnswer(ABC):
    """One answer as it grows, streamed or whole. Fields and events that this code does not know say nothing to it.

    What its reading raises of shapes that no provider documents is translated.
    """

    #: The response headers that may hold the provider's id of the request, in order.
    request_id_headers: ClassVar[tuple[str, ...]] = ("x-request-id", "apim-request-id", "x-ms-request-id")
    #: The field of an error that holds its code.
    code_field: ClassVar[str] = "code"
    #: What it is said to have done that reports a failure inside a success.
    failing: ClassVar[str] = "reported an error inside the stream"
    #: Fields of which an answer, or an event of it, has at least one; what has none and a message tells of a failure.
    content_fields: ClassVar[frozenset[str]] = frozenset()
    #: Reasons of its own for an end with which it says that an answer failed; beside those that hosts have in common.
    failed_reasons: ClassVar[frozenset[str]] = frozenset()
    #: Its reasons for an end, in small letters, in the words of all; what is not here is `other`.
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {}
    #: Whether it says that it stopped where it asks for tools, too.
    stops_for_tools: ClassVar[bool] = False
    #: Whether its body ends with it on every host, and is read to its end: then the connection serves again.
    ends_body = False

    def __init__(self, provider: str) -> None:
        self.provider = provider
        #: Whether the head of its response has come: a connection that breaks then has cut the answer.
        self.begun = False
        #: Whether its host marks the end of no stream, as the caller says; then its reason for the end is its end.
        self.without_end_marker = False
        #: From the head of its response, once that has come.
        self.request_id: str | None = None
        #: The provider's id of the answer, once that has come.
        self.response_id: str | None = None

    def head(self, headers: Mapping[str, str]) -> None:
        self.begun = True
        self.request_id = self.request_id_in(headers)

    @classmethod
    def request_id_in(cls, headers: Mapping[str, str]) -> str | None:
        return next((headers[name] for name in cls.request_id_headers if headers.get(name)), None)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is of the answer, although the body may go on."""
        return False

    def refuse_failure(self, sent: Any, *, named: bool = False) -> None:
        """Raise ProviderError for what tells of a failure inside a success; `named`: the event's name does."""
        # Nearly every event is an object that tells of none.
        if not named and type(sent) is dict and not self._tells_of_failure(sent):
            return
        for item in sent if isinstance(sent, list) else [sent]:
            if named or (isinstance(item, Mapping) and self._tells_of_failure(item)):
                raise self.reported(failure_in(item, self.code_field))

    def _tells_of_failure(self, sent: Mapping[str, Any]) -> bool:
        if sent.get("error") or sent.get("type") == "error" or sent.get("object") == "error":
            return True
        if self._has_content(sent):
            return False
        return sent.get("error", False) not in (None, False) or any(sent.get(name) for name in MESSAGES)

    def _has_content(self, sent: Mapping[str, Any]) -> bool:
        for name in self.content_fields:  # noqa: SIM110 - each event is asked, and a generator takes longer than this
            if sent.get(name) is not None:
                return True
        return False

    def refuse_reason(self, reason: Any, explained: str | None = None) -> None:
        """Raise ProviderError where the reason for which an answer ended says that it failed."""
        if isinstance(reason, str) and (reason in self.failed_reasons or _FAILED.search(reason)):
            named = f"the finish reason is {reason!r}"
            raise self.reported(Failure(f"{explained} ({named})" if explained else named, reason))

    @abstractmethod
    def piece(self, piece: Any) -> Iterable[Part]:
        """Return the parts that a piece of a streamed answer makes. Raises ProviderError where it tells of a failure."""

    def end(self) -> Iterable[Part]:
        """Return the parts that the end of a stream makes. Raises ProviderError where it tells of a failure."""
        return ()

    @abstractmethod
    def whole(self, sent: Any) -> Iterable[Part]:
        """Return the parts of an answer that was not streamed. Raises ProviderError where it tells of a failure."""

    def refuse_body(self, body: bytes, fault: str) -> NoReturn:
        """Raise the failure that a body in another form than the provider's tells of, or that it is none: `fault`."""
        for sent, named in _readings(body):
            self.refuse_failure(sent, named=named)
        raise self.malformed(f"{fault}: {_shown(body)}")

    def started(self, response_id: Any) -> Iterator[Part]:
        """Yield what the id of the answer makes, the first time that there is one."""
        if self.response_id is None and (found := as_id(response_id)):
            self.response_id = found
            yield ResponseStarted(found)

    def finish(self, raw: str | None, calls: Sized) -> Finish:
        """Return the end of an answer that is whole and has these calls; `raw` is the provider's reason for it.

        Raises MalformedResponseError where an answer says that it ends in tool calls, and has none: one was lost.
        """
        reason = None if raw is None else self.finish_reasons.get(raw.lower(), "other")
        if reason == "stop" and calls and self.stops_for_tools:
            reason = "tool_calls"
        if reason == "tool_calls" and not calls:
            raise self.malformed("an answer that is said to end in tool calls, and has none")
        return Finish(reason, raw)

    @property
    def _origin(self) -> dict[str, Any]:
        return {"provider": self.provider, "request_id": self.request_id}

    def malformed(self, fault: Exception | str) -> MalformedResponseError:
        """Return the error for what the wire format does not allow."""
        reason = f"{type(fault).__name__}: {fault}" if isinstance(fault, Exception) else fault
        return MalformedResponseError(
            f"{self.provider} sent what its wire format does not allow ({reason})", **self._origin
        )

    def refused(self, status: int, failure: Failure, request_id: str | None = None) -> ProviderStatusError:
        """Return the error for a request that was answered with this status; `request_id` is that of its head."""
        kind = LLMContextLengthExceededError if failure.is_too_long else ProviderStatusError
        return kind(
            f"{self.provider} answered {status}: {failure.message or 'no reason was given'}",
            provider=self.provider,
            status=status,
            request_id=request_id or failure.request_id,
            code=failure.code,
            retryable=status in RETRYABLE and not failure.is_too_long,
        )

    def cut(self, where: str) -> StreamTruncatedError:
        """Return the error for a stream that lacks its end."""
        return StreamTruncatedError(f"the stream of {self.provider} {where}", retryable=True, **self._origin)

    def connection_error(self, error: Exception) -> ProviderError:
        """Return the error for a connection that failed: a stream was cut, or there was no answer."""
        # A timeout of a loop has a cancellation as its cause, which says nothing.
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        reason = f"{type(cause).__name__}: {cause}"
        if self.begun:
            return self.cut(f"was cut before its end marker ({reason})")
        return ProviderConnectionError(f"no answer from {self.provider} ({reason})", retryable=True, **self._origin)

    def reported(self, failure: Failure) -> ProviderError:
        """Return the error for a failure that the provider reports inside a success."""
        kind = LLMContextLengthExceededError if failure.is_too_long else ProviderError
        return kind(
            f"{self.provider} {self.failing}: {failure.message}",
            code=failure.code,
            retryable=failure.may_pass,
            provider=self.provider,
            request_id=self.request_id or failure.request_id,
        )


class SSEAnswer(ProviderAnswer):
    """An answer whose pieces are bytes of server-sent events, each with JSON."""

    #: What makes events of the bytes.
    decoder: ClassVar[Any] = SSEDecoder

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._decoder = self.decoder()
        self._has_events = False
        #: The last event that had nothing of an answer.
        self._odd = b""
        #: Whether `[DONE]` has come, after which nothing is read.
        self.done = False

    @property
    def is_over(self) -> bool:
        return self.done

    @property
    def has_ended(self) -> bool:
        """Whether what ends an answer has come."""
        return self.done

    def piece(self, piece: bytes) -> Iterator[Part]:
        for name, data in () if self.is_over else self._decoder.feed(piece):
            self._has_events = True
            yield from self._event(name, data)
            if self.is_over:
                # Nothing behind it is even taken for events: in a piece of its own it would not be read.
                return

    def _event(self, name: str, data: bytes) -> Iterator[Part]:
        text = data.strip()
        # Some hosts keep a connection alive by events of nothing.
        if name == "ping" or not text:
            return
        if text == _DONE:
            self.done = True
            return
        # What an error says need not be JSON.
        event = data if name == "error" else self._json(data)
        if event is None and b"\n" in text:
            # A host that has no blank lines between its events.
            for line in data.splitlines():
                if not self.is_over:
                    yield from self._event("", line)
            return
        self.refuse_failure(event, named=name == "error")
        if isinstance(event, dict) and not self._has_content(event):
            self._odd = data
        yield from self.event(event)

    @abstractmethod
    def event(self, event: Any) -> Iterable[Part]:
        """Return the parts of one event."""

    def end(self) -> Iterator[Part]:
        last = b"" if self.is_over else self._decoder.rest()
        if last.strip() == _DONE:
            # The mark has come, though not the blank line behind it.
            self.done = True
        # A server that failed may close before the blank line, and one that can't stream answers with JSON alone.
        with contextlib.suppress(ValueError):
            self.refuse_failure(read_json(last))
        stray = self._decoder.stray.strip()
        if stray and not (self._has_events or last):
            yield from self._unstreamed(stray)
            return
        if b"\n" in last.strip():
            yield from self._event("", last)
            last = b""
        yield from self.closing(last)
        if stray and not self.has_ended:
            # A server that fails in the middle may write of it as if nothing had begun.
            for sent, named in _readings(stray):
                self.refuse_failure(sent, named=named)
            raise self.cut(f"ended before its end marker, with {_shown(stray)} outside of any event")
        if self._odd and not self.has_ended:
            raise self.cut(f"ended before its end marker, after {_shown(self._odd)}")

    def closing(self, last: bytes) -> Iterable[Part]:
        """Return the parts that the end of a stream makes; `last` is what has come of an event that lacks its end."""
        return ()

    def _unstreamed(self, body: bytes) -> Iterable[Part]:
        try:
            answer = read_json(body)
        except ValueError:
            if body[:1] not in b"{[" or is_whole(body):
                self.refuse_body(body, "no events, and no JSON")
            raise self.cut(f"ended before its end marker, in the middle of {_shown(body)}") from None
        self.refuse_failure(answer)
        return self.answer(answer)

    def whole(self, sent: bytes) -> Iterator[Part]:
        try:
            answer = read_json(sent)
        except ValueError:
            if not self._is_streamed(sent):
                self.refuse_body(sent, "no JSON")
            # Some hosts stream whatever they are asked for.
            yield from self.piece(sent)
            yield from self.end()
            return
        self.refuse_failure(answer)
        yield from self.answer(answer)

    def _is_streamed(self, body: bytes) -> bool:
        """Whether a body that is not one JSON value is a stream of events."""
        return _EVENTS.match(body) is not None

    def _json(self, data: bytes) -> Any:
        """Return the value that `data` is; None where it is one on each line. Raises MalformedResponseError where it is none."""
        try:
            return read_json(data)
        except ValueError as error:
            with contextlib.suppress(ValueError):
                if [read_json(line) for line in data.splitlines() if line.strip() not in (b"", _DONE)]:
                    return None
            raise self.malformed(f"no JSON: {_shown(data)}") from error

    def empty(self, fault: str) -> MalformedResponseError:
        """Return the error for a stream that says nothing of an answer."""
        return self.malformed(f"{fault}, after {_shown(self._odd)}" if self._odd else fault)

    @abstractmethod
    def answer(self, answer: Any) -> Iterable[Part]:
        """Return the parts of a whole answer."""


def _shown(data: bytes) -> str:
    return repr(data.decode("utf-8", "replace").strip()[:_SHOWN])


def _readings(body: bytes) -> Iterator[tuple[Any, bool]]:
    """Yield what a body tells in whatever form: as JSON, in events, by lines of JSON; and whether an event's name tells of it."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    with contextlib.suppress(ValueError, RecursionError):
        yield json.loads(text), False
        return
    decoder = SSEDecoder()
    for name, data in (*decoder.feed(body + b"\n\n"), ("", decoder.stray)):
        for line in data.splitlines() if name != "error" else [data]:
            try:
                yield json.loads(line.decode("utf-8", "replace")), name == "error"
            except (ValueError, RecursionError):
                if name == "error":
                    yield data, True


def is_whole(body: bytes) -> bool:
    """Whether what can't be read as one JSON value is not just cut: it is no text in UTF-8, or more than one value."""
    try:
        json.loads(body.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        return error.msg == "Extra data"
    return True


def read_json(data: bytes) -> Any:
    """Return the value that `data` is, with integers of any length as they are. Raises ValueError where it is none."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        # It takes what the faster one refuses, such as half of a surrogate pair.
        return json.loads(data)
