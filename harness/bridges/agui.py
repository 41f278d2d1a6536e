"""AG-UI 1.0: a timeline as its events, in the order that its verifier asks for.

Each frame travels whole in the `rawEvent` of one event, so that `agui_frames` gives the timeline back.
Source: https://docs.ag-ui.com (1.0, 2026-11), the packages `ag-ui-protocol` and `@ag-ui/client`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.bridges.outcome import OpenQuestion, RunOutcome
from harness.bridges.scopes import FrameStep, OpenScopes, PlacedFrame, PlacedScope
from harness.bridges.speech import Piece, Speech, is_reply
from harness.bridges.texts import encodable, name_in, text_of
from harness.frames.stored import FrameLike, stored_frame

PROTOCOL_VERSION: Final = "1.0"
#: What the names of custom events begin with: names of several makers meet in one client.
CUSTOM_PREFIX: Final = "harness."
#: The scopes that are steps, and those that are subagents, each where it is no run of its own.
_STEPS: Final = frozenset({"flow", "method", "task"})
_SUBAGENTS: Final = frozenset({"crew", "agent"})
#: The counts of a usage, by their names here.
_COUNTS: Final = {
    "prompt_tokens": "inputTokens",
    "completion_tokens": "outputTokens",
    "total_tokens": "totalTokens",
    "reasoning_tokens": "reasoningTokens",
    "cached_prompt_tokens": "cachedInputTokens",
    "cache_creation_tokens": "cacheWriteInputTokens",
}

Event = dict[str, Any]


class AguiTranslator:
    """Takes the frames of a timeline one by one, and gives the events of each; `end` gives what is left to say.

    A run of AG-UI is what stands at the top of the timeline: a flow, a turn, a call, a crew, with the frames before it. Its
    last frame is held back until the next frame comes, or the end, since nothing of a run may follow its end. Total: any
    frames in any order give events that keep the protocol's rules.
    """

    def __init__(self, *, thread_id: str | None = None, run_id: str | None = None, raw: bool = True) -> None:
        """Translate for a thread and a run that the client has named.

        Without them, the thread is the conversation's session, or the run; a run's id is that of its first frame, as it is
        for every later run of the same timeline. Without `raw` frames are not carried whole, and there is no way back.
        """
        self._given_thread = thread_id
        self._given_run = run_id
        self._raw = raw
        self._scopes = OpenScopes()
        self._run: _Run | None = None
        self._current: PlacedFrame | None = None

    def feed(self, frame: FrameLike) -> list[Event]:
        """Return the events of the next frame."""
        step = self._scopes.take(frame)
        events: list[Event] = []
        run = self._run
        if run is not None and (step.frame.begins or run.is_followed_by(step)):
            events += self._finish(run)
            run = None
        self._current = step.frame
        if run is not None and run.held is not None:
            # It did not end the run after all.
            events.append(self._custom(run.held.frame, None))
            run.held = None
        is_new = run is None
        if run is None:
            run = self._run = self._begun(step.frame)
        opens_root = run.root is None and step.opened is not None and step.opened.is_run
        if is_new:
            events.append(self._of(step.frame, run.started(), carry=opens_root))
        run.outcome.take(step)
        if not opens_root:
            return events + self._events(run, step)
        run.root = step.opened
        return events if is_new else [*events, self._custom(step.frame, step)]

    def end(self, error: str | None = None, error_type: str | None = None) -> list[Event]:
        """Return the events that end the stream: a run that was left before its end is cancelled.

        `error` is for what ended the run and was told by no frame.
        """
        run, self._run = self._run, None
        if run is not None:
            if error is not None:
                run.outcome.fail(error, error_type)
            return self._finish(run)
        if error is None:
            return []
        return [_without_none({"type": "RUN_ERROR", "message": encodable(error), "code": error_type})]

    def _begun(self, frame: PlacedFrame) -> _Run:
        run_id, self._given_run = self._given_run or frame.unique_id, None
        session = name_in(frame.payload.get("session_id"))
        return _Run(run_id, self._given_thread or session or run_id)

    def _finish(self, run: _Run) -> list[Event]:
        held = run.held
        frame = self._current if held is None else held.frame
        closing = [event for scope in self._scopes.still_open() for event in run.closed(scope, None)]
        ended = [event for piece in run.speech.rest() for event in run.speech_events(piece)]
        events = [self._of(frame, event, carry=False) for event in (*ended, *closing, *run.rest())]
        return [*events, self._of(frame, run.ended(), carry=held is not None)]

    def _events(self, run: _Run, step: FrameStep) -> list[Event]:
        frame = step.frame
        events = [event for piece in run.speech.take(step) for event in run.speech_events(piece)]
        for scope in step.left:
            events += run.closed(scope, None)
        tool = run.speech.used(step)
        if step.closed is not None and step.closed is run.root:
            run.held = step
            return [self._of(frame, event, carry=False) for event in events]
        if step.opened is not None:
            events += run.opened(step.opened)
        elif step.closed is not None and tool is not None:
            content = frame.payload.get("output" if step.ending == "finished" else "error")
            owner = run.owner_of(step.closed)
            events.append(
                {
                    "type": "TOOL_CALL_RESULT",
                    "messageId": frame.unique_id,
                    "toolCallId": tool.id,
                    "content": text_of(content),
                    "role": "tool",
                    **owner,
                }
            )
        elif step.closed is not None:
            events += run.closed(step.closed, step)
        if not events or is_reply(frame):
            # A message of a conversation is more than its text.
            return [*(self._of(frame, event, carry=False) for event in events), self._custom(frame, step)]
        return [self._of(frame, event, carry=event is events[-1]) for event in events]

    def _custom(self, frame: PlacedFrame, step: FrameStep | None) -> Event:
        scope = frame.scope if step is None or step.closed is None else step.closed
        owner = self._run.owner_of(scope) if self._run is not None else {}
        return self._of(
            frame,
            {"type": "CUSTOM", "name": f"{CUSTOM_PREFIX}{frame.type}", "value": frame.details(), **owner},
            carry=True,
        )

    def _of(self, frame: PlacedFrame | None, event: Event, *, carry: bool) -> Event:
        if frame is None:
            return event
        event["timestamp"] = frame.microseconds // 1_000
        if carry and self._raw:
            event["rawEvent"] = stored_frame(frame.frame)
        return event


class _Run:
    """One run, and what is open in it."""

    def __init__(self, run_id: str, thread_id: str) -> None:
        self.run_id = run_id
        self.thread_id = thread_id
        #: What the run is: the first scope at the top of the timeline that may be one. Frames may come before it.
        self.root: PlacedScope | None = None
        #: What closed the root; it is the run's end unless more of the run follows.
        self.held: FrameStep | None = None
        self.speech = Speech()
        self.outcome = RunOutcome()
        self._steps: dict[PlacedScope, tuple[str, str | None]] = {}
        self._step_names: set[str] = set()
        #: The last number that a name was given.
        self._numbers: dict[str, int] = {}
        self._subagents: set[PlacedScope] = set()

    def is_followed_by(self, step: FrameStep) -> bool:
        """Whether this step begins the next run."""
        return self.outcome.has_ended and step.opened is not None and step.opened.is_run

    def owner_of(self, scope: PlacedScope | None) -> dict[str, str]:
        """Return the attribution to the innermost subagent around, `scope` itself included."""
        around = scope.outward() if scope is not None else ()
        return next(({"subagentRunId": subagent.id} for subagent in around if subagent in self._subagents), {})

    def started(self) -> Event:
        return {
            "type": "RUN_STARTED",
            "threadId": self.thread_id,
            "runId": self.run_id,
            "protocolVersion": PROTOCOL_VERSION,
        }

    def opened(self, scope: PlacedScope) -> list[Event]:
        """Return the start of a step or of a subagent; nothing for a scope that is neither."""
        if scope.kind in _SUBAGENTS:
            above = self.owner_of(scope.parent).get("subagentRunId")
            self._subagents.add(scope)
            started = {"type": "SUBAGENT_STARTED", "subagentRunId": scope.id, "name": scope.name}
            return [started | ({} if above is None else {"parentSubagentRunId": above})]
        if scope.kind not in _STEPS:
            return []
        owner = self.owner_of(scope)
        # Names are unique per owner; older clients take one name for one step, whoever's it is.
        name = scope.name
        if name not in self._step_names:
            self._numbers.pop(name, None)
        while name in self._step_names:
            number = self._numbers[scope.name] = self._numbers.get(scope.name, 1) + 1
            name = f"{scope.name} ({number})"
        self._steps[scope] = name, owner.get("subagentRunId")
        self._step_names.add(name)
        return [{"type": "STEP_STARTED", "stepName": name, **owner}]

    def closed(self, scope: PlacedScope, step: FrameStep | None) -> list[Event]:
        """Return the end of a step or of a subagent, which `step` tells of, or the end of what is around it."""
        if scope in self._steps:
            name, owner = self._steps.pop(scope)
            self._step_names.discard(name)
            attributed = {} if owner is None else {"subagentRunId": owner}
            return [{"type": "STEP_FINISHED", "stepName": name, **attributed}]
        if scope not in self._subagents:
            return []
        self._subagents.discard(scope)
        payload = step.frame.payload if step is not None else {}
        if step is not None and step.ending == "failed":
            code = name_in(payload.get("error_type"))
            message = text_of(payload.get("error"))
            return [
                _without_none({"type": "SUBAGENT_ERROR", "subagentRunId": scope.id, "message": message, "code": code})
            ]
        return [
            _without_none({"type": "SUBAGENT_FINISHED", "subagentRunId": scope.id, "result": payload.get("output")})
        ]

    def speech_events(self, piece: Piece) -> list[Event]:
        """Return the events of a piece of speech."""
        owner = self.owner_of(piece.scope)
        events = [{"type": kind, _ID[piece.kind]: piece.id, **owner} for kind in _SPEECH[piece.kind, piece.part]]
        for event in events:
            if piece.part == "delta":
                event["delta"] = piece.text
            elif event["type"] == "TEXT_MESSAGE_START":
                event["role"] = "assistant"
            elif event["type"] == "REASONING_MESSAGE_START":
                event["role"] = "reasoning"
            elif event["type"] == "TOOL_CALL_START":
                event["toolCallName"] = piece.name
        return events

    def rest(self) -> list[Event]:
        """Return the ends of steps and subagents whose scopes another session's frames have hidden."""
        return [event for scope in reversed((*self._subagents, *self._steps)) for event in self.closed(scope, None)]

    def ended(self) -> Event:
        outcome = self.outcome
        verdict = outcome.verdict()
        usage = [_usage(model, counts) for model, counts in outcome.usage.items()]
        counted = {"usage": usage} if usage else {}
        if verdict == "failed":
            failed = {"type": "RUN_ERROR", "message": outcome.error, "code": outcome.error_type}
            return _without_none(failed) | counted
        ended: Event = {"type": "RUN_FINISHED", "threadId": self.thread_id, "runId": self.run_id, **counted}
        if verdict == "paused":
            ended["outcome"] = {
                "type": "interrupt",
                "interrupts": [_interrupt(question) for question in outcome.questions()],
            }
        elif verdict == "cancelled":
            ended["outcome"] = {"type": "cancelled"}
        else:
            ended["outcome"] = {"type": "success"}
            ended["result"] = outcome.result
        return _without_none(ended)


_ID: Final = {"text": "messageId", "thought": "messageId", "tool": "toolCallId"}
_SPEECH: Final = {
    ("text", "start"): ("TEXT_MESSAGE_START",),
    ("text", "delta"): ("TEXT_MESSAGE_CONTENT",),
    ("text", "end"): ("TEXT_MESSAGE_END",),
    ("thought", "start"): ("REASONING_START", "REASONING_MESSAGE_START"),
    ("thought", "delta"): ("REASONING_MESSAGE_CONTENT",),
    ("thought", "end"): ("REASONING_MESSAGE_END", "REASONING_END"),
    ("tool", "start"): ("TOOL_CALL_START",),
    ("tool", "delta"): ("TOOL_CALL_ARGS",),
    ("tool", "end"): ("TOOL_CALL_END",),
}


def agui_events(frames: Iterable[FrameLike], **options: Any) -> Iterator[Event]:
    """Yield the events of a whole timeline; `options` are those of `AguiTranslator`."""
    translator = AguiTranslator(**options)
    for frame in frames:
        yield from translator.feed(frame)
    yield from translator.end()


def _interrupt(question: OpenQuestion) -> Event:
    interrupt = {
        "id": question.id,
        "reason": "human_feedback",
        "message": question.message,
        "metadata": question.details,
    }
    return {name: value for name, value in interrupt.items() if value}


def _usage(model: str, counts: dict[str, int]) -> Event:
    return ({"model": model} if model else {}) | {_COUNTS[name]: count for name, count in counts.items()}


def _without_none(event: Event) -> Event:
    return {name: value for name, value in event.items() if value is not None}
