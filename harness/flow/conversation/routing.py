"""The decision which route a turn takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, create_model

from harness import events
from harness.bus import bus
from harness.errors import UsageError
from harness.flow.choice import choice_among, field_in, label_in
from harness.flow.conversation.answers import history_prompt
from harness.flow.conversation.config import ConversationConfig, RouterConfig
from harness.flow.conversation.graph import CONVERSE, FROM_HISTORY
from harness.flow.conversation.models import ask_for
from harness.flow.conversation.routes import catalogue, custom_routes
from harness.flow.conversation.transcript import as_lines, messages_of, model_messages, refuse_closed
from harness.flow.engine.run import run_of
from harness.flow.graph.labels import label_of, several
from harness.flow.state import field_of, id_of, set_field
from harness.llm.input.words import value_text, words_in
from harness.workers import outcome_in_thread, settled

logger = logging.getLogger("harness")
_PREFER_TALK = (
    "Choose exactly one of these routes. Follow-ups and questions about what has been said belong to 'converse', also "
    "where they touch what another route once did; another route is for a new request of what it does."
)


async def routed(flow: Any) -> str | None:
    """Do as `route`, in a thread of the run where something of it may block."""
    run = run_of(flow)
    if run is None or not _may_block(flow):
        await bus.room()
        return route(flow)
    return (await outcome_in_thread(lambda: route(flow), run.threads)).unwrap()


def _may_block(flow: Any) -> bool:
    """Return whether a model, or a method of the class, may be asked for the route."""
    turn, config = flow._flow_dialogue.turn, flow.conversational_config
    if flow._flow_routes_itself or (turn is not None and turn.intents):
        return True
    if config is None:
        return False
    return bool(config.router or config.answer_from_history_llm or custom_routes(flow._flow_graph))


def route(flow: Any) -> str | None:
    """Choose the route of the turn, keep it as `last_intent` and publish it; None in a run that has no message."""
    state = flow.state
    message = field_of(state, "current_user_message")
    if message is None:
        return None
    turn = flow._flow_dialogue.turn
    if turn is not None and turn.intents:
        turn.intent = flow.classify_intent(
            message, turn.intents, llm=turn.intent_llm, context=flow.conversation_messages
        )
    previous = field_of(state, "last_intent")
    # All that was said, which is of no use where nothing of the class's own looks at it.
    chosen = decide(flow, settled(flow.build_router_context()) if flow._flow_routes_itself else {})
    refuse_closed()
    set_field(state, "last_intent", chosen)
    bus.emit(
        flow,
        events.ConversationRouteSelectedEvent(
            flow_name=flow._flow_name,
            session_id=id_of(state),
            route=chosen,
            user_message=message,
            message_index=len(messages_of(flow)) - 1,
            previous_intent=previous,
        ),
    )
    return chosen


def decide(flow: Any, context: Mapping[str, Any]) -> str:
    """Return the route of this turn: what `route_turn` says, else the intent of the message, else a built-in answer.

    The route of an earlier turn has no part in it.

    Raises:
        UsageError: `route_turn` has returned a label that nothing listens to.
    """
    route = label_of(settled(flow.route_turn(context)))
    if route:
        if route not in flow._flow_graph.awaited:
            raise UsageError(
                f"route_turn() of {flow._flow_name} returned {route!r}, which no handler listens to; there are "
                f"{', '.join(sorted(catalogue(flow, None)))}"
            )
        return route
    turn = flow._flow_dialogue.turn
    intent = label_of(turn.intent) if turn is not None else None
    if intent:
        if intent not in flow._flow_graph.awaited:
            logger.warning("the message was found to be %r, which no handler listens to: it is not answered", intent)
        return intent
    return FROM_HISTORY if settled(flow.can_answer_from_history(context)) else CONVERSE


def route_by_model(flow: Any, context: Mapping[str, Any]) -> str | None:
    """Return the route that a model chooses; None where none is to be asked.

    A model that fails, or names no route, gives the router's `fallback_intent`.
    """
    config: ConversationConfig | None = flow.conversational_config
    if config is None:
        return None
    router, turn = config.router, flow._flow_dialogue.turn
    model = (router.llm if router is not None else None) or config.intent_llm or config.llm
    if router is None:
        has_intents = config.default_intents or (turn is not None and turn.intents)
        if model is None or has_intents or not custom_routes(flow._flow_graph):
            return None
        router = RouterConfig()
    if model is None:
        return router.default_intent
    fallback = router.fallback_intent or router.default_intent
    routes = catalogue(flow, router)
    form = router.response_format or _form(router.intent_field, routes)
    try:
        answer = ask_for(
            flow._flow_dialogue.model(model),
            _router_messages(router, routes, context or settled(flow.build_router_context())),
            form,
        )
    except Exception as error:
        logger.warning("the router failed (%s: %s); the turn goes to %r", type(error).__name__, error, fallback)
        return fallback
    label = field_in(answer, router.intent_field)
    if not label:
        return router.default_intent
    route = label_in(label, list(routes))
    if route is None:
        logger.warning("the router chose %r, which is no route; the turn goes to %r", label, fallback)
    return route or fallback


def _form(field: str, routes: Mapping[str, str]) -> type[BaseModel]:
    # As text: a label that is none of these is a fallback, not an answer that can't be read.
    fields: dict[str, Any] = {field: (str, Field(description=f"One of: {', '.join(routes)}"))}
    return create_model("ConversationRoute", **fields)


def _router_messages(
    router: RouterConfig, routes: Mapping[str, str], context: Mapping[str, Any]
) -> list[dict[str, Any]]:
    lines = [f"- {label}: {text}" if text else f"- {label}" for label, text in routes.items()]
    parts = [router.prompt, "\n".join(["Routes:", *lines]), _PREFER_TALK]
    history = context.get("message_history")
    if isinstance(history, list):
        context = {**context, "message_history": [_in_words(message) for message in history]}
    request = json.dumps({**context, "available_routes": list(routes)}, default=value_text, ensure_ascii=False)
    return [
        {"role": "system", "content": "\n\n".join(part for part in parts if part)},
        {"role": "user", "content": request},
    ]


def _in_words(message: Any) -> Any:
    """Return a message without what is no text: as JSON an image or a file would be the most of a request.

    Who overrides `build_router_context` may have messages of a form of his own, which stay as they are.
    """
    if not isinstance(message, Mapping) or (isinstance(message.get("content"), str) and "files" not in message):
        return message
    rest = {name: value for name, value in message.items() if name != "files"}
    return {**rest, "content": words_in(message.get("content"))}


def classify(
    flow: Any, text: str, outcomes: Sequence[str], llm: Any, context: Sequence[Mapping[str, Any]] | None
) -> str:
    """Return the outcome that a model says `text` to be; the first where it names none.

    A model that fails to answer in a form is asked again without one.

    Raises:
        UsageError: there are no outcomes.
        Exception: as the model's, where it failed both times.
    """
    outcomes = several(outcomes)
    if not outcomes:
        raise UsageError("there is nothing to classify by: give at least one outcome")
    before = f"What has been said:\n{as_lines(context)}\n\n" if context else ""
    prompt = (
        f"{before}The message:\n{text}\n\nWhich of these is it? {', '.join(outcomes)}\nName that one and nothing else."
    )
    model, messages = flow._flow_dialogue.model(llm), [{"role": "user", "content": prompt}]
    try:
        answer = ask_for(model, messages, choice_among("ConversationIntent", outcomes))
        return label_in(field_in(answer), outcomes) or outcomes[0]
    except Exception as error:
        logger.warning("no intent came in a form (%s: %s); asking plainly", type(error).__name__, error)
    return label_in(str(ask_for(model, messages, None)), outcomes, in_part=True) or outcomes[0]


def can_answer_from_history(flow: Any) -> bool:
    """Return whether a model says that what has been said is enough to answer; False where there is none to ask."""
    config: ConversationConfig | None = flow.conversational_config
    history = model_messages(flow) if config is not None and config.answer_from_history_llm is not None else []
    if config is None or len(history) < 2:
        return False
    text = f"{history_prompt(config)}\n\nThe message: {field_of(flow.state, 'current_user_message')}"
    return (
        classify(flow, text, (FROM_HISTORY, "route_to_flow"), config.answer_from_history_llm, history) == FROM_HISTORY
    )
