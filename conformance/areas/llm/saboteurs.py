"""Saboteurs of the clauses `llm.*`: the base of all integrations, and the integration that the suite asks through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from conformance.proof.saboteur import Saboteur
from harness import ProviderError

_CHUNK: Final = "harness.llm.call:ModelCall.chunk"
_FRAGMENT: Final = "harness.llm.output.assembly:AssembledCall.fragment"
_TOOL_RESULTS: Final = "harness.llm.base:_result_of"
_PROJECTED: Final = "harness.frames.legacy:StreamChunk"
_TRANSLATED: Final = "harness.providers.shared.stainless:translated"
_READ: Final = "harness.providers.shared.answer:ProviderAnswer"
_FRAGMENTS: Final = "harness.providers.shared.calls.tool_calls:ToolCallFragments"
_ANSWER: Final = "harness.providers.openai.chat_answer:ChatAnswer"


def _thinking_last(generate: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def broken(llm: Any, request: Any) -> Iterator[Any]:
        held = []
        for part in generate(llm, request):
            if _kind(part) == "ThinkingDelta":
                held.append(part)
                continue
            if _kind(part) == "Finish":
                yield from held
            yield part

    return broken


def _failures_kept(call: Callable[..., Any]) -> Callable[..., Any]:
    def broken(llm: Any, *args: Any, **options: Any) -> Any:
        try:
            return call(llm, *args, **options)
        except ProviderError:
            return None

    return broken


def _chunks_stripped(chunk: Callable[..., Any]) -> Callable[..., Any]:
    def broken(call: Any, part: Any) -> Any:
        made = chunk(call, part)
        return made.model_copy(update={"chunk": made.chunk.strip()}) if _kind(part) == "TextDelta" and made else made

    return broken


def _only_the_delta(fragment: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def broken(tool_call: Any) -> Any:
        whole, tool_call.deltas = tool_call.deltas, tool_call.deltas[-1:]
        try:
            return fragment(tool_call)
        finally:
            tool_call.deltas = whole

    return broken


def _same_id(fragment: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def broken(tool_call: Any) -> Any:
        own, tool_call.id = tool_call.id, "call_0"
        try:
            return fragment(tool_call)
        finally:
            tool_call.id = own

    return broken


def _first_call_only(chunk: Callable[..., Any]) -> Callable[..., Any]:
    def broken(call: Any, part: Any) -> Any:
        made = chunk(call, part)
        return None if _kind(part) == "ToolCallDelta" and part.index > 0 else made

    return broken


def _as_a_list(result_of: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    return lambda values: values


def _last_first(result_of: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    return lambda values: result_of(values[::-1])


def _without_type(payload: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    return lambda tool_call: {name: value for name, value in payload(tool_call).items() if name != "type"}


def _no_thinking(message: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def broken(*args: Any, **options: Any) -> Iterator[Any]:
        return (part for part in message(*args, **options) if _kind(part) != "ThinkingDelta")

    return broken


def _without_usage(wire_body: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def broken(*args: Any) -> dict[str, Any]:
        return {name: value for name, value in wire_body(*args).items() if name != "stream_options"}

    return broken


def _other(finish: dict[str, str]) -> dict[str, str]:
    return {}


def _passes(check_end: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda assembly: None


def _ends_with_its_reason(closing: Callable[..., Any]) -> Callable[..., Any]:
    return lambda answer, last: answer.finished() if answer._finish is not None else ()


def _ends_with_its_mark(closing: Callable[..., Any]) -> Callable[..., Any]:
    return lambda answer, last: answer.finished() if answer.done else ()


def _not_shown(started: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **fields: started(**{name: value for name, value in fields.items() if name != "without_end_marker"})


def _without_status(translated: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*args: Any) -> Any:
        ours = translated(*args)
        if getattr(ours, "status", None) is not None:
            ours.status = None
        return ours

    return broken


def _untranslated(translated: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: None


def _whole_marker(piece: Callable[[Any, bytes], Iterator[Any]]) -> Callable[[Any, bytes], Iterator[Any]]:
    def broken(answer: Any, sent: bytes) -> Iterator[Any]:
        yield from piece(answer, sent)
        answer.done = answer.done and b"[DONE]" in sent

    return broken


def _torn_characters(piece: Callable[[Any, bytes], Iterator[Any]]) -> Callable[[Any, bytes], Iterator[Any]]:
    return lambda answer, sent: piece(answer, sent.decode("utf-8", "replace").encode())


def _always_chunks(chunk: Callable[..., Any]) -> Callable[..., Any]:
    def broken(call: Any, part: Any) -> Any:
        from harness.events.llm import LLMStreamChunkEvent

        made = chunk(call, part)
        if made is None and _kind(part) == "TextDelta":
            return LLMStreamChunkEvent(chunk=part.text, **call._common)
        return made

    return broken


def _passed_over(refuse_failure: Callable[..., None]) -> Callable[..., None]:
    return lambda *args, **options: None


def _in_its_own_words(reported: Callable[..., Any]) -> Callable[..., Any]:
    def broken(answer: Any, failure: Any) -> Any:
        return reported(answer, failure._replace(message="something went wrong"))

    return broken


def _always(continues: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *args: True


def _never(holds_two: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda arguments: False


def _cached_beside(usage: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*args: Any, **options: Any) -> Any:
        counts = usage(*args, **options)
        return counts and counts._replace(total_tokens=counts.total_tokens + (counts.cached_prompt_tokens or 0))

    return broken


def _shorter_when_whole(whole: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def broken(answer: Any, completion: Any) -> Iterator[Any]:
        for part in whole(answer, completion):
            yield part._replace(text=part.text[:-1]) if _kind(part) == "TextDelta" else part

    return broken


def _text_only(chunk: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **fields: chunk(content=fields["content"])


def _tools_only(chunk: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **fields: chunk(**fields) if fields["tool_call"] else None


def _everything(project: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def broken(frame: Any) -> Any:
        from harness import StreamChunk

        return project(frame) or StreamChunk(content=frame.content)

    return broken


def _kind(part: Any) -> str:
    return type(part).__name__


def _none_for_agents(complete: Callable[..., None]) -> Callable[..., None]:
    def broken(call: Any, step: Any) -> None:
        if "agent_id" in call._common:
            call.assembly.usage = None
        complete(call, step)

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "thinking-comes-last",
        ("llm.sequence",),
        "harness.providers.openai.chat:OpenAIChat.generate",
        _thinking_last,
        shown_by=("ask/thinking/sync",),
    ),
    Saboteur(
        "failures-not-raised",
        ("llm.sequence",),
        "harness.llm.base:BaseLLM.call",
        _failures_kept,
        {
            "turn.failed": "a turn whose answer has failed ends well",
            "turn.sequence": "and is completed in place of failed",
        },
    ),
    Saboteur(
        "chunks-stripped",
        ("llm.deltas-equal-final",),
        _CHUNK,
        _chunks_stripped,
        {
            "scope.captures-llm": "the tokens of a call inside do not join to its text",
            "scope.nested": "an outer session has other tokens than the call inside",
            "scope.isolated": "so has each of two crews beside each other",
            "entry.crew": "and a streamed crew its chunks",
        },
    ),
    Saboteur(
        "arguments-as-deltas",
        ("llm.tool-chunks",),
        _FRAGMENT,
        _only_the_delta,
        {"entry.crew": "the last chunk of a crew's tool call has its last piece alone"},
    ),
    Saboteur("one-id-for-all-calls", ("llm.tool-chunks",), _FRAGMENT, _same_id),
    Saboteur("parallel-calls-lost", ("llm.tool-chunks",), _CHUNK, _first_call_only),
    Saboteur(
        "calls-told-apart-by-index-alone",
        ("llm.tool-chunks",),
        f"{_FRAGMENTS}._continues",
        _always,
        {"llm.deltas-equal-final": "the arguments of two calls are joined to one"},
    ),
    Saboteur(
        "calls-of-two-objects-pass",
        ("llm.tool-chunks",),
        "harness.providers.shared.calls.tool_calls:holds_two",
        _never,
        {"llm.errors": "what had to fail passes", "llm.usage": "and has usage, which no failed call has"},
    ),
    Saboteur(
        "one-tools-value-in-a-list", ("llm.tool-run",), _TOOL_RESULTS, _as_a_list, shown_by=("ask/tool-run/sync",)
    ),
    Saboteur("tools-values-reversed", ("llm.tool-run",), _TOOL_RESULTS, _last_first),
    Saboteur(
        "calls-without-type", ("llm.tool-run",), "harness.llm.output.assembly:AssembledCall.payload", _without_type
    ),
    Saboteur(
        "thinking-dropped",
        ("llm.thinking",),
        f"{_ANSWER}._message",
        _no_thinking,
        {"llm.sequence": "a piece that was on the wire did not come"},
    ),
    Saboteur(
        "usage-not-asked-for",
        ("llm.usage",),
        "harness.providers.openai.chat:wire_body",
        _without_usage,
        {"entry.llm-overrides": "what was not sent can't be counted"},
    ),
    Saboteur(
        "totals-with-the-cache-twice", ("llm.usage",), "harness.providers.openai.chat_answer:usage", _cached_beside
    ),
    Saboteur(
        "usage-lost-in-crews",
        ("llm.usage",),
        "harness.llm.call:ModelCall.complete",
        _none_for_agents,
        shown_by=("crew/kind/used/sync-method/sync",),
    ),
    Saboteur("finish-reasons-unknown", ("llm.usage",), "harness.providers.openai.chat_answer:FINISH", _other),
    Saboteur(
        "cut-answers-pass",
        ("llm.truncation",),
        "harness.llm.output.assembly:Assembly.check_end",
        _passes,
        {
            "result.value": "the value of a call that had to fail",
            "llm.usage": "and what lacks nothing but its mark has no finish reason",
        },
    ),
    Saboteur("ends-that-nobody-marked-pass", ("llm.truncation",), f"{_ANSWER}.closing", _ends_with_its_reason),
    Saboteur(
        "ends-are-marked-or-none",
        ("llm.truncation",),
        f"{_ANSWER}.closing",
        _ends_with_its_mark,
        {"llm.sequence": "what is whole fails"},
    ),
    Saboteur("unmarked-ends-not-shown", ("llm.truncation",), "harness.events:LLMCallStartedEvent", _not_shown),
    Saboteur("errors-without-status", ("llm.errors",), _TRANSLATED, _without_status),
    Saboteur("failures-inside-pass", ("llm.errors",), f"{_READ}.refuse_failure", _passed_over),
    Saboteur("failures-in-other-words", ("llm.errors",), f"{_READ}.reported", _in_its_own_words),
    Saboteur("errors-of-the-sdk", ("llm.errors",), _TRANSLATED, _untranslated),
    Saboteur("markers-in-one-piece", ("llm.rechunk",), f"{_ANSWER}.piece", _whole_marker),
    Saboteur("characters-torn", ("llm.rechunk",), f"{_ANSWER}.piece", _torn_characters),
    Saboteur(
        "plain-calls-in-chunks",
        ("llm.no-stream",),
        _CHUNK,
        _always_chunks,
        {"scope.captures-llm": "an LLM that was told not to stream does"},
    ),
    Saboteur(
        "plain-answers-shorter",
        ("llm.no-stream",),
        f"{_ANSWER}.whole",
        _shorter_when_whole,
        {
            "entry.llm": "the assembled result of a call outside a session is another",
            "entry.llm-async": "and that of an awaited one",
            "entry.llm-overrides": "and that of one told not to stream",
        },
    ),
    Saboteur(
        "legacy-chunks-of-text-only",
        ("llm.legacy-chunk",),
        _PROJECTED,
        _text_only,
        {"entry.crew": "a streamed crew loses its tool calls"},
    ),
    Saboteur(
        "legacy-chunks-of-tools-only",
        ("llm.legacy-chunk",),
        _PROJECTED,
        _tools_only,
        {
            "entry.crew": "a streamed crew loses its text",
            "entry.flag-restored": "and is over before its flag can be looked at",
            "scope.isolated": "two of them show nothing of their own",
            "scope.nested": "and nor does one in a flow",
        },
    ),
    Saboteur(
        "every-frame-a-legacy-chunk", ("llm.legacy-chunk",), "harness.frames.legacy:stream_frame_to_chunk", _everything
    ),
)
