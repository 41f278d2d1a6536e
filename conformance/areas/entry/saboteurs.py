"""Saboteurs of the clauses `entry.*`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from msgspec.structs import replace

from conformance.proof.saboteur import Saboteurs, changing, constant, reading

SABOTEURS: Final = Saboteurs()
_BLOCKS: Final[list[Any]] = []

_CONVERSES: Final = "harness.flow.conversation.conversational:ConversationalFlow"
_CHUNKS: Final = "harness.crews.streaming_output"
_ACCEPTED: Final = "harness.flow.flow:Flow._flow_accepted"


_UNREAD: Final = {"scope.nested": "a crew finds no tool calls in what comes in pieces, and uses none"}


SABOTEURS.add("frames-in-a-list", "entry.flow", "harness.flow.flow:Flow.stream_frames", changing(list))


@SABOTEURS.row(
    "entry.flow-async",
    "harness.flow.flow:Flow.kickoff_async",
    {
        "entry.kwargs": "there are no frames to show what inputs arrived",
        "flow.checkpoint": "and none of a run that goes on",
    },
)
async def kickoff_async_just_runs(kickoff_async: Any, flow: Any, *args: Any, **options: Any) -> Any:
    made = await kickoff_async(flow, *args, **options)
    if not hasattr(made, "__aiter__"):
        return made
    async for _ in made:
        pass
    return made.result


@SABOTEURS.row("entry.llm", "harness.llm.base:BaseLLM.call", _UNREAD)
def answers_in_pieces(call: Any, llm: Any, *args: Any, **options: Any) -> Any:
    value = call(llm, *args, **options)
    return iter([value]) if llm.stream else value


@SABOTEURS.row("entry.llm-async", "harness.llm.base:BaseLLM.acall")
async def awaited_in_pieces(acall: Any, llm: Any, *args: Any, **options: Any) -> Any:
    value = await acall(llm, *args, **options)
    return iter([value]) if llm.stream else value


@SABOTEURS.row(
    "entry.kwargs", _ACCEPTED, {"flow.checkpoint": "ways to begin that exclude each other are taken together"}
)
def any_beginning_goes(accepted: Any, flow: Any, kickoff: Any) -> Any:
    return accepted(flow, replace(kickoff, from_checkpoint=None, restore_from_state_id=None))


@SABOTEURS.row("entry.kwargs", "harness.flow.engine.run:FlowRun.take_inputs")
def inputs_lost_when_restored(take_inputs: Any, run: Any) -> None:
    if run.kickoff.from_checkpoint is None:
        take_inputs(run)


@SABOTEURS.row(
    "entry.kwargs",
    "harness.flow.engine.run:FlowRun.take_inputs",
    {"result.value": "a declared flow comes to what it makes of no inputs"},
    at="entry/options/*",
)
def inputs_kept_from_methods(take_inputs: Any, run: Any) -> None:
    """Show the inputs at the start of the flow, and keep them from its methods."""


@SABOTEURS.row(
    "entry.kwargs",
    _ACCEPTED,
    {
        "result.value": "a declared flow comes to what its inputs make of it",
        "entry.turn": "a turn has inputs, too",
        "entry.turn-async": "and so has an awaited one",
    },
)
def inputs_lost(accepted: Any, flow: Any, kickoff: Any) -> Any:
    return accepted(flow, replace(kickoff, inputs=None))


@SABOTEURS.row("entry.flag-restored", "harness.flow.engine.stream_flag:StreamFlag.__get__")
def flag_as_set(flag: Any, descriptor: Any, flow: Any, owner: Any) -> bool:
    return bool(descriptor._default if flow is None else flow.__dict__.get("_flow_stream", descriptor._default))


@SABOTEURS.row("entry.flag-restored", "harness.llm.overrides:call_stream_override")
@contextmanager
def overrides_on_the_object(override: Any, llm: Any, stream: bool) -> Iterator[None]:
    before, llm.stream = llm.stream, stream
    try:
        yield
    finally:
        llm.stream = before


class _ForAll:
    """What a context variable is where a runtime keeps its overrides by LLM, for whoever calls it."""

    def __init__(self, variable: Any) -> None:
        self._value = variable.get()

    def get(self) -> Any:
        return self._value

    def set(self, value: Any) -> None:
        self._value = value


SABOTEURS.add("overrides-for-all", "entry.llm-overrides", "harness.llm.overrides:_stop", _ForAll)
SABOTEURS.add(
    "stop-words-its-own",
    "entry.llm-overrides",
    "harness.llm.base:BaseLLM.stop_sequences",
    reading(lambda _, llm: llm.stop),
)


@SABOTEURS.row("entry.kwargs", "harness.flow.checkpoints.restore:Step")
def restored_from_elsewhere(step: Any, source: Any, started: Any, ends: Any) -> Any:
    return step(source, type(started)(location="elsewhere"), ends)


SABOTEURS.add(
    "state-forgotten", "entry.kwargs", "harness.flow.persistence.restore:StateRestore.before_flow", constant(None)
)


@SABOTEURS.row("entry.turn entry.turn-async", f"{_CONVERSES}._flow_turn")
def sessions_unnamed(turn: Any, flow: Any, entry: str, message: Any, **options: Any) -> Any:
    return turn(flow, entry, message, **{**options, "session_id": None})


@SABOTEURS.row("entry.turn", f"{_CONVERSES}.stream_turn")
def any_flow_converses(stream_turn: Any, flow: Any, message: Any, **options: Any) -> Any:
    return stream_turn(flow, message, **options) if flow.conversational else flow.stream_events()


@SABOTEURS.row("entry.crew", f"{_CHUNKS}:TaskPlaces.chunk", by=changing)
def chunks_of_no_task(chunk: Any) -> Any:
    return chunk and chunk.model_copy(update={"task_index": 0, "task_name": "", "task_id": ""})


@SABOTEURS.row("entry.crew", f"{_CHUNKS}:TaskPlaces.chunk", by=changing)
def chunks_of_text_alone(chunk: Any) -> Any:
    return None if chunk is not None and chunk.tool_call is not None else chunk


@SABOTEURS.row("entry.crew", f"{_CHUNKS}:CrewStreamingOutput.close")
def chunks_read_before_closing(close: Any, output: Any) -> None:
    for _ in output:
        pass
    close(output)


@SABOTEURS.row(
    "entry.llm-overrides",
    "harness.llm.overrides:_overridden",
    {"cleanup.no-leaks": "a block that is never left keeps the connection of a call that was refused"},
)
@contextmanager
def overrides_outlive_errors(overridden: Any, *arguments: Any) -> Iterator[None]:
    block = overridden(*arguments)
    # Kept, since one that is collected is left.
    _BLOCKS.append(block)
    block.__enter__()
    yield
    block.__exit__(None, None, None)


@SABOTEURS.row("entry.kwargs", "harness.flow.flow:Flow.stream_events", at="entry/files/sync")
def streams_without_files(
    stream_events: Any, flow: Any, *arguments: Any, input_files: Any = None, **options: Any
) -> Any:
    return stream_events(flow, *arguments, **options)
