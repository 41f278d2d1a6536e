"""Saboteurs of the clauses `entry.*`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from conformance.proof.saboteur import Saboteur, changed, gives, instead, reading

_CONVERSES: Final = "harness.flow.conversation.conversational:ConversationalFlow"
_CHUNKS: Final = "harness.crews.streaming_output"
_ACCEPTED: Final = "harness.flow.flow:Flow._accepted"


@instead
async def _never_a_session(kickoff_async: Any, flow: Any, *args: Any, **options: Any) -> Any:
    made = await kickoff_async(flow, *args, **options)
    if not hasattr(made, "__aiter__"):
        return made
    async for _ in made:
        pass
    return made.result


@instead
def _in_pieces(call: Any, llm: Any, *args: Any, **options: Any) -> Any:
    value = call(llm, *args, **options)
    return iter([value]) if llm.stream else value


@instead
async def _awaited_in_pieces(acall: Any, llm: Any, *args: Any, **options: Any) -> Any:
    value = await acall(llm, *args, **options)
    return iter([value]) if llm.stream else value


@instead
def _anything_goes(accepted: Any, flow: Any, kickoff: Any) -> Any:
    return accepted(flow, replace(kickoff, from_checkpoint=None, restore_from_state_id=None))


@instead
def _inputs_lost(accepted: Any, flow: Any, kickoff: Any) -> Any:
    return accepted(flow, replace(kickoff, inputs=None))


@instead
def _lost_when_restored(take_inputs: Any, run: Any) -> None:
    if run.kickoff.from_checkpoint is None:
        take_inputs(run)


@instead
def _as_set(flag: Any, descriptor: Any, flow: Any, owner: Any) -> bool:
    return bool(descriptor._default if flow is None else flow.__dict__.get("_stream", descriptor._default))


@instead
@contextmanager
def _on_the_object(override: Any, llm: Any, stream: bool) -> Iterator[None]:
    before, llm.stream = llm.stream, stream
    try:
        yield
    finally:
        llm.stream = before


@instead
def _elsewhere(step: Any, source: Any, started: Any, ends: Any) -> Any:
    return step(source, type(started)(location="elsewhere"), ends)


@instead
def _session_unnamed(turn: Any, flow: Any, entry: str, message: Any, session_id: str | None, *rest: Any) -> Any:
    return turn(flow, entry, message, None, *rest)


@instead
def _any_flow_converses(stream_turn: Any, flow: Any, message: Any, **options: Any) -> Any:
    return stream_turn(flow, message, **options) if flow.conversational else flow.stream_events()


@instead
def _for_threads(astream_turn: Any, flow: Any, message: Any, **options: Any) -> Any:
    return flow.stream_turn(message, **options)


def _of_no_task(chunk: Any) -> Any:
    return chunk and chunk.model_copy(update={"task_index": 0, "task_name": "", "task_id": ""})


def _text_alone(chunk: Any) -> Any:
    return None if chunk is not None and chunk.tool_call is not None else chunk


@instead
def _waits_to_close(close: Any, output: Any) -> None:
    for _ in output:
        pass
    close(output)


_UNREAD: Final = {"scope.nested": "a crew finds no tool calls in what comes in pieces, and uses none"}

SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("frames-in-a-list", ("entry.flow",), "harness.flow.flow:Flow.stream_frames", changed(list)),
    Saboteur(
        "kickoff-async-just-runs",
        ("entry.flow-async",),
        "harness.flow.flow:Flow.kickoff_async",
        _never_a_session,
        {"entry.kwargs": "there are no frames to show what inputs arrived"},
    ),
    Saboteur("answers-in-pieces", ("entry.llm",), "harness.llm.base:BaseLLM.call", _in_pieces, _UNREAD),
    Saboteur("awaited-in-pieces", ("entry.llm-async",), "harness.llm.base:BaseLLM.acall", _awaited_in_pieces),
    Saboteur(
        "any-beginning-goes",
        ("entry.kwargs",),
        _ACCEPTED,
        _anything_goes,
        {"flow.checkpoint": "ways to begin that exclude each other are taken together"},
    ),
    Saboteur(
        "inputs-lost-when-restored",
        ("entry.kwargs",),
        "harness.flow.engine.run:FlowRun.take_inputs",
        _lost_when_restored,
    ),
    Saboteur(
        "inputs-lost",
        ("entry.kwargs",),
        _ACCEPTED,
        _inputs_lost,
        {"result.value": "a declared flow comes to what its inputs make of it"},
    ),
    Saboteur("flag-as-set", ("entry.flag-restored",), "harness.flow.engine.stream_flag:StreamFlag.__get__", _as_set),
    Saboteur(
        "overrides-on-the-object",
        ("entry.flag-restored",),
        "harness.llm.overrides:call_stream_override",
        _on_the_object,
    ),
    Saboteur(
        "stop-words-its-own",
        ("entry.llm-overrides",),
        "harness.llm.base:BaseLLM.stop_sequences",
        reading(lambda _, llm: llm.stop),
    ),
    Saboteur("restored-from-elsewhere", ("entry.kwargs",), "harness.flow.checkpoints.restore:Step", _elsewhere),
    Saboteur(
        "state-forgotten", ("entry.kwargs",), "harness.flow.persistence.restore:StateRestore.before_flow", gives(None)
    ),
    Saboteur("sessions-unnamed", ("entry.turn",), f"{_CONVERSES}._turn", _session_unnamed),
    Saboteur("turns-as-iterators", ("entry.turn",), f"{_CONVERSES}.stream_turn", changed(iter)),
    Saboteur("any-flow-converses", ("entry.turn",), f"{_CONVERSES}.stream_turn", _any_flow_converses),
    Saboteur("chunks-of-no-task", ("entry.crew",), f"{_CHUNKS}:TaskPlaces.chunk", changed(_of_no_task)),
    Saboteur("chunks-of-text-alone", ("entry.crew",), f"{_CHUNKS}:TaskPlaces.chunk", changed(_text_alone)),
    Saboteur("chunks-read-before-closing", ("entry.crew",), f"{_CHUNKS}:CrewStreamingOutput.close", _waits_to_close),
    Saboteur("async-turns-for-threads", ("entry.turn-async",), f"{_CONVERSES}.astream_turn", _for_threads),
)
