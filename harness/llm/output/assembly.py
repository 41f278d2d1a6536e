"""From parts to chunks and an answer: the pure core that sync and async calls share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, Final, Never

from msgspec import Struct, field

from harness.errors import MalformedResponseError, StreamTruncatedError, UsageError
from harness.events.fragments import FunctionCall, ToolCallFragment
from harness.llm.output.parts import (
    Finish,
    FinishReason,
    Part,
    RequestId,
    ResponseStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)

#: Reasons for an end that may come in the middle of a call.
CUTTING: Final = ("length", "content_filter")


class AssembledCall(Struct):
    """One tool call as far as it has come."""

    index: int
    id: str
    name: str
    deltas: list[str] = field(default_factory=list)
    #: The arguments as an object, where they were never text.
    given: dict[str, Any] | None = None
    #: A limit or a filter cut the answer, with this as its last: what there is of the arguments need not be all.
    is_cut: bool = False

    @property
    def arguments(self) -> str:
        """The JSON text of the arguments."""
        text = "".join(self.deltas)
        # Integrations end a block that is empty with an object that is.
        return NoArgumentsYet(text) if self.is_cut and text.strip() in ("", "{}") else text

    def payload(self) -> dict[str, Any]:
        """Return the one shape that tool calls of all providers have (clause `llm.tool-run`)."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}

    def fragment(self) -> ToolCallFragment:
        """Return what a chunk says of this call; it shares the deltas, and stays as it is when more of them come."""
        return ToolCallFragment(id=self.id, index=self.index, function=FunctionCall(self.name, deltas=self.deltas))

    def parsed_arguments(self) -> dict[str, Any]:
        """Return the arguments as an object; no text means none.

        Raises:
            ValueError: the model wrote something else than a JSON object.
        """
        return arguments_in(self.arguments) if self.given is None else self.given


class NoArgumentsYet(str):
    """Arguments in which an answer was cut off, before there were any that can be used: unknown, that is, and not {}."""

    __slots__ = ()


def arguments_in(text: str) -> dict[str, Any]:
    """Return the arguments that a model wrote as an object; no text, and null, means none.

    Raises:
        ValueError: it wrote something else than a JSON object, or was cut off before that.
    """
    if isinstance(text, NoArgumentsYet):
        raise ValueError("the answer was cut off before the arguments")
    try:
        arguments = json.loads(text.strip() or "null")
    except RecursionError as error:
        raise ValueError("the arguments are nested too deep") from error
    if arguments is not None and not isinstance(arguments, dict):
        raise ValueError(f"the arguments are {type(arguments).__name__}, not an object")
    return arguments or {}


def free_id(number: int, used: Collection[str], *named: str | None) -> str:
    """Return the id of a call: the first that it is named by and that no other has, else one that is made up."""
    made = (f"call_{n}" for n in range(number, number + len(used) + 1))
    return next(found for found in (*named, *made) if found and found not in used)


class RequestedCalls(list[dict[str, Any]]):
    """The tool calls of an answer, in their order; a list like any other, which knows what was said beside them."""

    # What has attributes of its own beside these is no list that a state can keep.
    __slots__ = ("text",)
    #: None where nothing was.
    text: str | None

    def __init__(self, calls: Iterable[dict[str, Any]] = (), text: str | None = None) -> None:
        super().__init__(calls)
        self.text = text


class Assembly:
    """An answer as it grows. Parts go in; what a chunk event needs comes out."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._text: list[str] = []
        #: The call that is at each index, and the id by which it is named there, which another may have, too.
        self._current: dict[int, tuple[AssembledCall, str | None]] = {}
        #: The tool calls in the order of their first pieces.
        self.calls: list[AssembledCall] = []
        self._ids: set[str] = set()
        self.usage: Usage | None = None
        self.request_id: str | None = None
        self.response_id: str | None = None
        self.finish_reason: FinishReason | None = None
        self.raw_finish_reason: str | None = None
        self._ended = False

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def is_cut(self) -> bool:
        """Whether a limit or a filter ended it, perhaps in the middle."""
        return self.finish_reason in CUTTING

    def take(self, part: Part) -> AssembledCall | None:
        """Add one part; answer with the tool call that it belongs to, if it is a piece of one."""
        match part:
            case TextDelta(text):
                self._text.append(text)
            case ThinkingDelta():
                pass
            case ToolCallDelta():
                return self._take_call(part)
            case Usage():
                self.usage = part
            case RequestId(request_id):
                self.request_id = request_id
            case ResponseStarted(response_id):
                self.response_id = response_id
            case Finish(reason, raw):
                self._ended = True
                self.finish_reason, self.raw_finish_reason = reason, raw
                if self.is_cut and self.calls:
                    self.calls[-1].is_cut = True
            case _:
                raise _no_part(part)
        return None

    def _take_call(self, part: ToolCallDelta) -> AssembledCall:
        call, named = self._current.get(part.index, (None, None))
        # Some hosts number all parallel calls 0: a new id is a new call.
        if call is None or (part.id and part.id not in (call.id, named)):
            if not part.name:
                raise MalformedResponseError(
                    f"{self._provider} sent a piece of tool call {part.index} before its name",
                    provider=self._provider,
                    request_id=self.request_id,
                )
            index = len(self.calls)
            call = AssembledCall(index, free_id(index, self._ids, part.id), part.name)
            self._ids.add(call.id)
            self._current[part.index] = call, part.id
            self.calls.append(call)
        call.deltas.append(part.arguments)
        return call

    def check_end(self) -> None:
        """Refuse an answer whose end marker never came (clause `llm.truncation`)."""
        if not self._ended:
            raise StreamTruncatedError(
                f"the stream of {self._provider} ended before its end marker, after {len(self.text)} characters of text "
                f"and {len(self.calls)} tool calls: the answer is not whole",
                provider=self._provider,
                request_id=self.request_id,
                retryable=True,
            )


def _no_part(given: Never) -> UsageError:
    return UsageError(
        f"generate() gave {given!r}, which is no part of an answer: yield TextDelta(…), ThinkingDelta(…), "
        "ToolCallDelta(…) or Usage(…), and Finish(…) at the end"
    )
