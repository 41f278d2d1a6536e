"""Saboteurs of the clauses `llm.*`: the base of all integrations, and the integration that the suite asks through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from conformance.proof.frames import omitting
from conformance.proof.saboteur import Saboteurs, changing, constant, replacing
from harness import ProviderError
from harness.bus.running_loop import is_loop_running
from harness.llm import Usage

SABOTEURS: Final = Saboteurs()

_CHUNK: Final = "harness.llm.call:ModelCall.chunk"
_FRAGMENT: Final = "harness.llm.output.assembly:AssembledCall.fragment"
_TOOL_RESULTS: Final = "harness.llm.base:_result_of"
_PROJECTED: Final = "harness.frames.legacy:StreamChunk"
_TRANSLATED: Final = "harness.providers.shared.stainless:translated"
_READ: Final = "harness.providers.shared.answer:ProviderAnswer"
_FRAGMENTS: Final = "harness.providers.shared.calls.tool_calls:ToolCallFragments"
_ANSWER: Final = "harness.providers.openai.chat_answer:ChatAnswer"


def _with(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what has one attribute of a tool call changed while a fragment is made of it."""

    @replacing
    def fragment(sound: Any, tool_call: Any) -> Any:
        before = getattr(tool_call, name)
        setattr(tool_call, name, change(before))
        try:
            return sound(tool_call)
        finally:
            setattr(tool_call, name, before)

    return fragment


def _kind(part: Any) -> str:
    return type(part).__name__


@SABOTEURS.row("llm.sequence", "harness.providers.openai.chat:OpenAIChat.generate", at="ask/thinking/sync")
def thinking_comes_last(generate: Any, llm: Any, request: Any) -> Iterator[Any]:
    held = []
    for part in generate(llm, request):
        if _kind(part) == "ThinkingDelta":
            held.append(part)
            continue
        if _kind(part) == "Finish":
            yield from held
        yield part


@SABOTEURS.row(
    "llm.sequence", "harness.llm.base:BaseLLM.call", {"turn.failed": "a turn whose answer has failed ends well"}
)
def failures_not_raised(call: Any, llm: Any, *args: Any, **options: Any) -> Any:
    try:
        return call(llm, *args, **options)
    except ProviderError:
        return None


@SABOTEURS.row(
    "llm.deltas-equal-final",
    _CHUNK,
    {
        "scope.captures-llm": "the tokens of a call inside do not join to its text",
        "scope.nested": "an outer session has other tokens than the call inside",
        "scope.isolated": "so has each of two crews beside each other",
        "entry.crew": "and a streamed crew its chunks",
        "turn.streams-answer": "and a turn its reply",
    },
)
def chunks_stripped(chunk: Any, call: Any, part: Any) -> Any:
    made = chunk(call, part)
    return made.model_copy(update={"chunk": made.chunk.strip()}) if _kind(part) == "TextDelta" and made else made


SABOTEURS.add(
    "arguments-as-deltas",
    "llm.tool-chunks",
    _FRAGMENT,
    _with("deltas", lambda deltas: deltas[-1:]),
    {"entry.crew": "the last chunk of a crew's tool call has its last piece alone"},
)
SABOTEURS.add("one-id-for-all-calls", "llm.tool-chunks", _FRAGMENT, _with("id", lambda _: "call_0"))


@SABOTEURS.row("llm.tool-chunks", _CHUNK)
def parallel_calls_lost(chunk: Any, call: Any, part: Any) -> Any:
    made = chunk(call, part)
    return None if _kind(part) == "ToolCallDelta" and part.index > 0 else made


SABOTEURS.add(
    "calls-told-apart-by-index-alone",
    "llm.tool-chunks",
    f"{_FRAGMENTS}._continues",
    constant(True),
    {"llm.deltas-equal-final": "the arguments of two calls are joined to one"},
)
SABOTEURS.add(
    "calls-of-two-objects-pass",
    "llm.tool-chunks",
    "harness.providers.shared.calls.tool_calls:_holds_two",
    constant(False),
    {"llm.errors": "what had to fail passes", "llm.usage": "and has usage, which no failed call has"},
    at="ask/tools-as-one/sync",
)
SABOTEURS.add(
    "one-tools-value-in-a-list",
    "llm.tool-run",
    _TOOL_RESULTS,
    replacing(lambda result_of, values: values),
    at="ask/tool-run/sync",
)
SABOTEURS.add(
    "tools-values-reversed", "llm.tool-run", _TOOL_RESULTS, replacing(lambda result_of, values: result_of(values[::-1]))
)
SABOTEURS.add(
    "tools-called-with-nothing",
    "llm.tool-run",
    "harness.llm.output.assembly:AssembledCall.parsed_arguments",
    constant({}),
)
SABOTEURS.add(
    "calls-without-type", "llm.tool-run", "harness.llm.output.assembly:AssembledCall.payload", omitting("type")
)


@SABOTEURS.row(
    "llm.thinking", f"{_ANSWER}._message", {"llm.sequence": "a piece that was on the wire did not come"}, by=changing
)
def thinking_dropped(message: Iterator[Any]) -> Iterator[Any]:
    return (part for part in message if _kind(part) != "ThinkingDelta")


SABOTEURS.add(
    "usage-not-asked-for",
    "llm.usage",
    "harness.providers.openai.chat:wire_body",
    omitting("stream_options"),
    {"entry.llm-overrides": "what was not sent can't be counted"},
)


@SABOTEURS.row("llm.usage", "harness.providers.openai.chat_answer:usage", by=changing)
def totals_with_the_cache_twice(counts: Iterator[Any]) -> Iterator[Any]:
    for usage in counts:
        yield replace(usage, total_tokens=usage.total_tokens + (usage.cached_prompt_tokens or 0))


@SABOTEURS.row("llm.usage", "harness.llm.call:ModelCall.complete", at="crew/kind/used/sync-method/sync")
def usage_lost_in_crews(complete: Any, call: Any, step: Any) -> None:
    if "agent_id" in call._common:
        call.assembly.usage = None
    complete(call, step)


@SABOTEURS.row("llm.usage", "harness.llm.call:ModelCall.complete", at="ask/uncounted/sync ask/not-streamed-uncounted")
def usage_of_zero(complete: Any, call: Any, step: Any) -> None:
    call.assembly.usage = call.assembly.usage or Usage(0, 0, 0)
    complete(call, step)


@SABOTEURS.row("llm.usage", "harness.llm.call:ModelCall.complete", at="ask/again/sync")
def usage_of_all_calls(complete: Any, call: Any, step: Any) -> None:
    """Count what the LLM has used until then."""
    used, owner = call.assembly.usage, vars(call._llm)
    if used is not None:
        before = owner.setdefault("_used", Usage(0, 0, 0))
        prompt, completion = (
            before.prompt_tokens + used.prompt_tokens,
            before.completion_tokens + used.completion_tokens,
        )
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        owner["_used"] = call.assembly.usage = replace(used, **counts)
    complete(call, step)


SABOTEURS.add("finish-reasons-unknown", "llm.usage", f"{_ANSWER}.finish_reasons", lambda finish: {})
SABOTEURS.add(
    "cut-answers-pass",
    "llm.truncation",
    "harness.llm.output.assembly:Assembly.check_end",
    constant(None),
    {
        "result.value": "the value of a call that had to fail",
        "llm.usage": "and what lacks nothing but its mark has no finish reason",
    },
)


@SABOTEURS.row("llm.truncation", f"{_ANSWER}.closing")
def ends_that_nobody_marked_pass(closing: Any, answer: Any, last: Any) -> Any:
    return answer.finished() if answer._finish is not None else ()


@SABOTEURS.row("llm.truncation", f"{_ANSWER}.closing", {"llm.errors": "a failure inside an answer passes for its end"})
def ends_are_marked_or_none(closing: Any, answer: Any, last: Any) -> Any:
    return answer.finished() if answer.done else ()


@SABOTEURS.row("llm.truncation", "harness.events:LLMCallStartedEvent")
def unmarked_ends_not_shown(started: Any, **fields: Any) -> Any:
    return started(**{name: value for name, value in fields.items() if name != "without_end_marker"})


@SABOTEURS.row("llm.errors", _TRANSLATED, by=changing)
def errors_without_status(error: Any) -> Any:
    if getattr(error, "status", None) is not None:
        error.status = None
    return error


SABOTEURS.add("failures-inside-pass", "llm.errors", f"{_READ}.refuse_failure", constant(None))


@SABOTEURS.row("llm.errors", f"{_READ}.reported")
def failures_in_other_words(reported: Any, answer: Any, failure: Any) -> Any:
    return reported(answer, failure._replace(message="something went wrong"))


SABOTEURS.add("errors-of-the-sdk", "llm.errors", _TRANSLATED, constant(None))


@SABOTEURS.row("llm.rechunk", f"{_ANSWER}.piece")
def markers_in_one_piece(piece: Any, answer: Any, sent: bytes) -> Iterator[Any]:
    yield from piece(answer, sent)
    answer.done = answer.done and b"[DONE]" in sent


@SABOTEURS.row("llm.no-stream", _CHUNK, {"scope.captures-llm": "an LLM that was told not to stream does"})
def plain_calls_in_chunks(chunk: Any, call: Any, part: Any) -> Any:
    from harness.events.llm import LLMStreamChunkEvent

    made = chunk(call, part)
    if made is None and _kind(part) == "TextDelta":
        return LLMStreamChunkEvent(chunk=part.text, **call._common)
    return made


@SABOTEURS.row("llm.legacy-chunk", _PROJECTED, {"entry.crew": "a streamed crew loses its tool calls"})
def legacy_chunks_of_text_only(chunk: Any, **fields: Any) -> Any:
    return chunk(content=fields["content"])


@SABOTEURS.row("llm.legacy-chunk", "harness.frames.legacy:stream_frame_to_chunk")
def every_frame_a_legacy_chunk(project: Any, frame: Any) -> Any:
    from harness import StreamChunk

    return project(frame) or StreamChunk(content=frame.content)


@SABOTEURS.row("llm.rechunk", f"{_ANSWER}.piece", at="ask/resplit*")
def characters_torn(piece: Any, answer: Any, sent: bytes) -> Any:
    return piece(answer, sent.decode("utf-8", "replace").encode())


@SABOTEURS.row(
    "llm.no-stream",
    f"{_ANSWER}.whole",
    {"entry.llm-async": "the assembled result of an awaited call outside a session is another"},
    at="ask/not-streamed/async",
)
def awaited_answers_shorter(whole: Any, answer: Any, *rest: Any) -> Iterator[Any]:
    for part in whole(answer, *rest):
        is_text = _kind(part) == "TextDelta" and is_loop_running()
        yield replace(part, text=part.text[:-1]) if is_text else part


@SABOTEURS.row(
    "llm.tool-run",
    "harness.llm.tool_use:_Use.fail",
    {"llm.tool-chunks": "a call fails whose tool calls can be told apart"},
    at="ask/failing-tool-run/*",
)
def failing_tools_fail_their_calls(fail: Any, use: Any, step: Any, error: Exception) -> Any:
    raise error
