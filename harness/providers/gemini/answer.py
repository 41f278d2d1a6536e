"""One answer of Gemini, from its JSON to parts.

Sources: https://ai.google.dev/api/generate-content#generatecontentresponse,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rpc/google.cloud.aiplatform.v1 (2026-11).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.output.assembly import CUTTING
from harness.llm.output.parts import Finish, FinishReason, Part, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from harness.providers.gemini.growing_call import GrowingCall
from harness.providers.gemini.messages import own_id
from harness.providers.shared.answer import SSEAnswer, read_json
from harness.providers.shared.calls.begun_calls import BegunCalls
from harness.providers.shared.calls.tool_calls import whole_arguments
from harness.providers.shared.failure import failure_in
from harness.providers.shared.shapes import as_flag, as_id, as_list, as_number, as_object, as_text
from harness.providers.shared.usage import usage

#: The names of reasons by their numbers, which a query of `$alt=json;enum-encoding=int` asks for, as Google's older SDKs
#: send it over REST. Each API has its own.
_SHARED: Final = ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
_BLOCKED: Final = ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL")
_NUMBERED: Final = {
    "gemini": (*_SHARED, "LANGUAGE", *_BLOCKED, "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL"),
    "vertex_ai": (*_SHARED, *_BLOCKED, "MODEL_ARMOR"),
}
_BLOCK_REASONS: Final = {
    "gemini": ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"),
    "vertex_ai": ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "MODEL_ARMOR", "JAILBREAK"),
}


class GeminiAnswer(SSEAnswer):
    content_fields = frozenset({"candidates", "promptFeedback", "usageMetadata", "responseId"})
    # No response header has an id of the request.
    request_id_headers = ()
    code_field = "status"
    # The model wrote what is no answer, or may not go on; its words, if any, stand beside.
    failed_reasons = frozenset(
        {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}
        | {"MISSING_THOUGHT_SIGNATURE", "PUP_LIMITED_DISABLED"}
    )
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        "stop": "stop",
        **dict.fromkeys(("max_tokens", "continuation"), "length"),
        **dict.fromkeys(("safety", "recitation", "blocklist", "prohibited_content", "spii"), "content_filter"),
        **dict.fromkeys(("image_safety", "image_prohibited_content", "image_recitation"), "content_filter"),
        **dict.fromkeys(("model_armor", "escalation"), "content_filter"),
    }
    stops_for_tools = True

    def __init__(self, provider: str, keep: Callable[[Mapping[str, str]], None]) -> None:
        super().__init__(provider)
        self._keep = keep
        self._calls = BegunCalls()
        #: The last call, while its arguments come in pieces.
        self._growing: GrowingCall | None = None
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        #: Why the prompt got no answer.
        self._blocked: str | None = None

    @property
    def has_ended(self) -> bool:
        return (self._finish or self._blocked) is not None

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        if self.response_id is None:
            yield from self.started(event.get("responseId"))
        for candidate in map(as_object, as_list(event.get("candidates"))):
            if not as_number(candidate.get("index")):
                yield from self._candidate(candidate)
        # Later counts are cumulative.
        self._usage |= as_object(event.get("usageMetadata"))
        blocked = as_object(event.get("promptFeedback")).get("blockReason")
        self._blocked = _name(blocked, _BLOCK_REASONS[self.provider]) or self._blocked

    def answer(self, answer: Any) -> Iterator[Part]:
        # A stream that was not asked for as events is a list of them.
        events = answer if isinstance(answer, list) else [answer]
        if not events:
            raise self.malformed("an empty list")
        for event in events:
            yield from self.event(event)
        yield from self._finished()

    def closing(self, last: bytes) -> Iterator[Part]:
        event = None
        # The last event may lack its blank line, and be whole all the same.
        with contextlib.suppress(ValueError):
            event = read_json(last)
        yield from self.event(event)
        yield from self._finished()

    def _finished(self) -> Iterator[Part]:
        """Return what the end of the body makes certain. No line marks it: it has come if a finish reason had."""
        yield from _usage(self._usage)
        if self._finish is not None:
            yield from self._cut_call(self._finish)
            yield self.finish(self._finish, self._calls)
        elif self._blocked is not None:
            yield Finish("content_filter", self._blocked)

    def _candidate(self, candidate: Mapping[str, Any]) -> Iterator[Part]:
        for part in map(as_object, as_list(as_object(candidate.get("content")).get("parts"))):
            if part.get("functionCall") is not None:
                yield from self._call(as_object(part["functionCall"]))
                if signature := as_text(part.get("thoughtSignature")):
                    self._keep({self._calls.ids[-1]: signature})
            elif text := as_text(part.get("text")):
                yield ThinkingDelta(text) if as_flag(part.get("thought")) else TextDelta(text)
        if candidate.get("error"):
            raise self.reported(failure_in(candidate["error"], self.code_field))
        reason = _name(candidate.get("finishReason"), _NUMBERED[self.provider])
        self.refuse_reason(reason, as_text(candidate.get("finishMessage")))
        self._finish = reason or self._finish

    def _call(self, call: Mapping[str, Any]) -> Iterator[ToolCallDelta]:
        """Yield what a part makes of a call: of one that comes in pieces, its name at its beginning and the rest at its end."""
        name, goes_on = as_text(call.get("name")), as_flag(call.get("willContinue"))
        if self._growing is None:
            number = len(self._calls)
            call_id = as_id(call.get("id")) or own_id(self.response_id or "", number)
            arguments = whole_arguments(call.get("args"))
            in_pieces = goes_on or call.get("partialArgs") is not None
            yield self._calls.begin(number, call_id, name, "" if in_pieces else arguments)
            if not in_pieces:
                return
            self._growing = GrowingCall(name, json.loads(arguments))
        elif name not in ("", self._growing.name):
            raise self.malformed(f"a call of {name!r} in the middle of one of {self._growing.name!r}")
        self._growing.take(as_list(call.get("partialArgs")))
        if not goes_on:
            yield self._calls.more(len(self._calls) - 1, self._growing.text())
            self._growing = None

    def _cut_call(self, reason: str) -> Iterator[ToolCallDelta]:
        """Yield what has come of a call that was cut. Raises MalformedResponseError where nothing cut it."""
        if self._growing is None:
            return
        if self.finish_reasons.get(reason.lower()) not in CUTTING:
            raise self.malformed(f"an end in the middle of a call of {self._growing.name!r}")
        yield self._calls.more(len(self._calls) - 1, self._growing.text(is_cut=True))


def _usage(raw: Mapping[str, Any]) -> Iterator[Usage]:
    """Yield the counts under the common names: thoughts are of the answer.

    What a tool of the provider's read is of the prompt, unless the API's total leaves it out.
    """
    read, written = [raw.get("promptTokenCount")], [raw.get("candidatesTokenCount"), raw.get("thoughtsTokenCount")]
    if as_number(raw.get("totalTokenCount")) != sum(filter(None, map(as_number, (*read, *written)))):
        read.append(raw.get("toolUsePromptTokenCount"))
    return usage(raw, read, written, cached=raw.get("cachedContentTokenCount"), reasoning=raw.get("thoughtsTokenCount"))


def _name(sent: Any, names: tuple[str, ...]) -> str | None:
    """Return the name of a reason, which may be its number; None for none."""
    if isinstance(sent, int) and not isinstance(sent, bool):
        sent = names[sent] if 0 <= sent < len(names) else str(sent)
    # The first of an enum says that there is none.
    return None if sent in (None, "", names[0]) else str(sent)
