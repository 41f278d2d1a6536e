"""The part of `Flow` that converses: what users call, and what they override."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from harness import session as sessions
from harness.bus.running_loop import running_loop
from harness.errors import UsageError
from harness.flow.conversation import answers, graph, routing, transcript
from harness.flow.conversation.config import ConversationConfig
from harness.flow.conversation.dialogue import Dialogue, Turn
from harness.flow.conversation.fields import Content, Role, Visibility, content_of, content_text
from harness.flow.conversation.routes import check_routes
from harness.flow.conversation.turns import finish_flow, take_turn
from harness.flow.engine.body import works_without_loop
from harness.flow.graph.decorators import Role as MethodRole
from harness.flow.graph.definition import FlowGraph
from harness.flow.graph.labels import several
from harness.flow.kickoff import Kickoff
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.startable import StartableFlow, with_parameters_of
from harness.flow.state import AnyState, field_of, set_field
from harness.llm.input.words import words_in
from harness.workers import run_until_loop

#: The options that a turn has of a kickoff.
_KICKOFF: Final = ("inputs", "input_files", "from_checkpoint", "restore_from_state_id", "resume")


class ConversationalFlow(StartableFlow):
    """What a flow with `conversational = True` can do beside running; of any other flow it is refused.

    Each turn is a run of the flow: `route_conversation` gives the message to a handler, by a label that a `@listen` of
    the class, or a built-in handler, waits for.
    """

    #: Whether its runs are turns; `ConversationConfig` sets it.
    conversational: ClassVar[bool] = False
    #: What the class is decorated with.
    conversational_config: ClassVar[ConversationConfig | None] = None
    #: Whether one flow runs through all turns of a conversation; see `ConversationConfig`.
    defer_trace_finalization: bool = False

    if TYPE_CHECKING:
        _flow_dialogue: Dialogue

        @property
        def state(self) -> Any:
            """See `Flow`."""

    # Turns.

    def handle_turn(
        self,
        message: str | Mapping[str, Any],
        *,
        session_id: str | None = None,
        intents: Sequence[str] | None = None,
        intent_llm: Any = None,
        **kickoff_kwargs: Any,
    ) -> Any:
        """Take one turn of the conversation and return the reply, whatever the flow's `stream`.

        The message, which is text or `{"content": …}` with text or content parts, such as images, is added to the
        transcript, a route is chosen by its words, and what its handler gives is the reply: text is added
        to the transcript, where the handler has not done so. Where a handler waits for a human, what it waits with is
        returned. `session_id` is the id of the state: another one than it has begins, or with a persistence goes on
        with, another conversation; an empty one is none. `intents` have the message classified by `intent_llm`.

        What frames of a turn show of the state has the messages and events of that turn alone; the state has all.

        All options of `kickoff` can be given. With `from_checkpoint` or `resume` a turn that was cut off goes on: the
        message that it had is not added again, and another one is refused. After a human has answered, `resume` takes the turn up and ends it.

        Raises:
            UsageError: the flow is not conversational, or an option can't be used.
            TurnOpenError: another turn of this flow is open.
            BaseException: what a handler raised, as the same object; the next turn works.
        """
        named = {"session_id": session_id, "intents": intents, "intent_llm": intent_llm}
        turn, kickoff = self._flow_turn("handle_turn", message, **named, **kickoff_kwargs)
        return run_until_loop(lambda: take_turn(self, kickoff, turn))

    @with_parameters_of(handle_turn)
    async def ahandle_turn(self, message: str | Mapping[str, Any], **options: Any) -> Any:
        """Do as `handle_turn`, without blocking the loop."""
        running_loop()
        turn, kickoff = self._flow_turn("ahandle_turn", message, **options)
        return await take_turn(self, kickoff, turn)

    def stream_turn(
        self,
        message: str | Mapping[str, Any],
        *,
        session_id: str | None = None,
        intents: Sequence[str] | None = None,
        intent_llm: Any = None,
        look_ahead: int | None = None,
        retain: bool = True,
        **kickoff_kwargs: Any,
    ) -> sessions.StreamSession[Any]:
        """Return a session whose first reader starts the turn (clause `entry.turn`); its result is the reply.

        See `handle_turn`, and `Flow.stream_events` for `look_ahead` and `retain`.

        Raises:
            UsageError: the flow is not conversational, or an option can't be used; at the call.
        """
        named = {"session_id": session_id, "intents": intents, "intent_llm": intent_llm}
        turn, kickoff = self._flow_turn("stream_turn", message, **named, **kickoff_kwargs)
        return sessions.StreamSession(
            lambda: run_until_loop(lambda: take_turn(self, kickoff, turn)),
            source=self,
            look_ahead=look_ahead,
            retain=retain,
        )

    @with_parameters_of(stream_turn)
    def astream_turn(
        self, message: str | Mapping[str, Any], *, look_ahead: int | None = None, retain: bool = True, **options: Any
    ) -> sessions.AsyncStreamSession[Any]:
        """Do as `stream_turn`, for readers in a loop (clause `entry.turn-async`)."""
        turn, kickoff = self._flow_turn("astream_turn", message, **options)
        return sessions.AsyncStreamSession(
            lambda: take_turn(self, kickoff, turn), source=self, look_ahead=look_ahead, retain=retain
        )

    def chat(
        self,
        *,
        session_id: str | None = None,
        prompt: str = "You: ",
        assistant_prefix: str = "Assistant: ",
        exit_commands: Sequence[str] = ("exit", "quit"),
        input_fn: Callable[[str], str] | None = None,
        output_fn: Callable[[str], None] | None = None,
        skip_empty: bool = True,
        defer_trace_finalization: bool = True,
        **turn_options: Any,
    ) -> None:
        """Converse at the terminal: each line is a turn, until an exit word, the end of the input, or Ctrl-C.

        Answers are written as they come; with an `output_fn` each is given to that once it is whole. Ctrl-C while an
        answer comes ends that answer alone. It ends, too, when a turn ends the conversation. Exit words are of any case;
        blank lines are passed over, with `skip_empty`. One flow runs through all turns, and is finished in the end,
        unless `defer_trace_finalization` leaves that to the flow. `turn_options` are those of `handle_turn`.

        Raises:
            UsageError: the flow is not conversational.
            BaseException: what a turn raised.
        """
        # Most flows converse with nobody at a terminal.
        from harness.flow.conversation import terminal

        if not self.conversational:
            raise UsageError("Flow.chat() is only available on conversational flows")
        before = self.defer_trace_finalization
        self.defer_trace_finalization = before or defer_trace_finalization
        try:
            terminal.chat(
                self,
                {"session_id": session_id, **turn_options},
                prompt=prompt,
                assistant_prefix=assistant_prefix,
                exit_commands=exit_commands,
                input_fn=input_fn,
                output_fn=output_fn,
                skip_empty=skip_empty,
            )
        finally:
            self.finalize_session_traces()
            self.defer_trace_finalization = before

    def finalize_session_traces(self, *, discard: bool = False) -> None:
        """End the flow that has run through the turns so far, where there is one (clause `turn.deferred`).

        With `discard` its end is not published. The next turn starts another one.
        """
        finish_flow(self, discard=discard)

    # The transcript.

    @property
    def conversation_messages(self) -> list[dict[str, Any]]:
        """The transcript as models are given it, oldest first."""
        return transcript.model_messages(self)

    def receive_user_message(self, text: Content, *, outcomes: Sequence[str] | None = None, llm: Any = None) -> str:
        """Add a message of the user's to the transcript, and make its words those that are to be answered.

        With `outcomes` and an `llm` the message is classified, and the outcome returned; else the words are. A message of
        a provider's content parts, such as images, is added whole.
        """
        transcript.add(self, "user", text)
        text = words_in(text)
        for name in ("current_user_message", "last_user_message"):
            set_field(self.state, name, text)
        if not outcomes or llm is None:
            return text
        intent = self.classify_intent(text, outcomes, llm=llm, context=self.conversation_messages)
        set_field(self.state, "last_intent", intent)
        if self._flow_dialogue.turn is not None:
            self._flow_dialogue.turn.intent = intent
        return intent

    def append_assistant_message(self, content: str, *, metadata: dict[str, Any] | None = None) -> None:
        """Add a reply to the transcript. Inside a handler that then returns the same text, it is added this once."""
        transcript.add(self, "assistant", content, metadata=metadata)

    def append_message(self, role: Role, content: Any, **extra: Any) -> None:
        """Add a message to the transcript; `extra` are the other fields of a `ConversationMessage`.

        A text of the assistant's is a reply, see `append_assistant_message`.
        """
        transcript.add(self, role, content, **extra)

    def append_agent_result(
        self,
        agent_name: str,
        result: Any,
        *,
        visibility: Visibility = "private",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Keep an agent's result in its own thread, and in the events of the state.

        A public one is added to the transcript, too, as is one of the agents that `visible_agent_outputs` names. Where
        the handler returns the very object, that adds nothing.

        Raises:
            RunCancelled: the turn in which this is called has been closed.
        """
        from harness.flow.conversation.state import AgentMessage, ConversationEvent

        content, notes, state = content_text(result), metadata or {}, self.state
        transcript.refuse_closed()
        config = self.conversational_config
        visible = config.visible_agent_outputs if config is not None else None
        is_visible = visible == "all" or agent_name in several(visible or ())
        shown: Visibility = "public" if is_visible else visibility
        events, threads = field_of(state, "events"), field_of(state, "agent_threads")
        if events is not None:
            payload = {"content": content, **notes}
            events.append(
                ConversationEvent(type="agent_result", agent_name=agent_name, visibility=shown, payload=payload)
            )
        if threads is not None:
            threads.setdefault(agent_name, []).append(AgentMessage(content=content, metadata=notes))
        if self._flow_dialogue.turn is not None:
            self._flow_dialogue.turn.recorded.append(result)
        if shown == "public":
            self.append_assistant_message(content, metadata=metadata)

    # The route of a turn. All of this can be overridden, and what decides by coroutines, too.

    def route_turn(self, context: dict[str, Any]) -> str | None:
        """Return the label of the handler that is to answer; None leaves that to the intent, and then to `converse`.

        By itself it asks a model, where there is one and handlers to choose from; see `RouterConfig`.
        """
        return routing.route_by_model(self, context)

    def can_answer_from_history(self, context: dict[str, Any]) -> bool:
        """Return whether what has been said is enough to answer; False where no `answer_from_history_llm` is given."""
        return routing.can_answer_from_history(self)

    def classify_intent(
        self,
        text: str,
        outcomes: Sequence[str],
        *,
        llm: Any,
        context: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Return the outcome that a model says `text` to be, in view of the messages in `context`."""
        return routing.classify(self, text, outcomes, llm, context)

    def build_router_context(self) -> dict[str, Any]:
        """Return what is known when a route is chosen: the message, what was said before, the last route."""
        state = self.state
        return {
            "system_prompt": answers.system_prompt(self.conversational_config),
            "current_user_message": field_of(state, "current_user_message"),
            "message_history": self._flow_dialogue.history.of(self),
            "events": [event.model_dump() for event in field_of(state, "events") or ()],
            "last_intent": field_of(state, "last_intent"),
        }

    def build_agent_context(self, agent_name: str) -> list[dict[str, Any]]:
        """Return the messages that an agent is given: the transcript, then what is in its own thread."""
        thread = (field_of(self.state, "agent_threads") or {}).get(agent_name, [])
        own = [{"role": message.role, "content": content_text(message.content)} for message in thread]
        return [*self.conversation_messages, *own]

    @property
    def _flow_routes_itself(self) -> bool:
        """Whether the class decides on routes by methods of its own."""
        names = ("route_turn", "can_answer_from_history", "build_router_context")
        return any(getattr(type(self), name) is not getattr(ConversationalFlow, name) for name in names)

    # The built-in methods; their roles are in `graph`.

    def conversation_start(self) -> Any:
        """Return the message of the turn. An override runs as the first method of each turn."""
        return field_of(self.state, "current_user_message")

    @works_without_loop
    async def route_conversation(self) -> Any:
        """Choose the route of the turn and publish it; None in a run that has no message."""
        return await routing.routed(self)

    def converse_turn(self) -> Any:
        """Answer the label `converse`: the conversation's model answers, given all that has been said."""
        return answers.converse(self)

    def end_conversation(self) -> Any:
        """Answer the label `end`: the conversation is over."""
        return answers.end(self)

    def answer_from_history_turn(self) -> Any:
        """Answer the label `answer_from_history`, by what has been said alone."""
        return answers.answer_from_history(self)

    # How a turn comes about.

    def _flow_turn(
        self,
        entry: str,
        message: str | Mapping[str, Any],
        /,
        *,
        session_id: str | None = None,
        intents: Sequence[str] | None = None,
        intent_llm: Any = None,
        **kickoff_kwargs: Any,
    ) -> tuple[Turn, Kickoff]:
        if not self.conversational:
            raise UsageError(f"Flow.{entry}() is only available on conversational flows")
        for unknown in kickoff_kwargs.keys() - {*_KICKOFF}:
            known = ("session_id", "intents", "intent_llm", *_KICKOFF)
            raise UsageError(f"{entry}() has no option {unknown!r}; there are {', '.join(known)}")
        config = self.conversational_config
        if config is not None:
            intents = config.default_intents if intents is None else intents
            intent_llm = config.intent_llm if intent_llm is None else intent_llm
        if intents and intent_llm is None:
            raise UsageError("intent_llm is required when intents are provided")
        inputs = kickoff_kwargs.get("inputs") or {}
        if session_id and isinstance(inputs, dict):
            kickoff_kwargs["inputs"] = {**inputs, "id": session_id}
        return Turn(content_of(message), intents or (), intent_llm), self._flow_kickoff(**kickoff_kwargs)

    def _flow_saved_since(self, flow_id: str, state: AnyState, place: FlowPersistence) -> dict[str, Any] | None:
        """Return the saved state with what others have said in turns since this one, which waits; None where none have."""
        if not self.conversational:
            return None
        latest = place.load_state(flow_id)
        if latest is None or len(field_of(latest, "messages") or ()) <= len(field_of(state, "messages") or ()):
            return None
        return {**latest, "current_user_message": field_of(state, "current_user_message")}

    def _flow_check_conversation(self, definition: FlowGraph) -> None:
        """Refuse what a flow says of conversations and can't be, or would have no effect. Raises UsageError."""
        owner = type(self).__name__
        if self.conversational:
            check_routes(owner, definition, self.conversational_config)
        elif self.defer_trace_finalization:
            raise UsageError(f"{owner} sets defer_trace_finalization, which is for flows that are conversational")

    @classmethod
    def _flow_graph_roles(cls: type[Self], roles: dict[str, MethodRole]) -> dict[str, MethodRole]:
        """Return the roles of the methods of this class: what its decorators say, and what its being conversational does."""
        if not cls.conversational:
            return roles
        own_start = cls.conversation_start is not ConversationalFlow.conversation_start
        return graph.with_built_in(roles, has_start=own_start and "conversation_start" not in roles)
