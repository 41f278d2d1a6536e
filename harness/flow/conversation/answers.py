"""The answers that a conversational flow gives by itself."""

from __future__ import annotations

from typing import Any, Final

from harness.flow.conversation.config import ConversationConfig
from harness.flow.conversation.fields import content_text
from harness.flow.conversation.graph import FROM_HISTORY
from harness.flow.conversation.models import streamed_answer
from harness.flow.state import set_field

_SYSTEM: Final = (
    "You are an assistant in a conversation. Keep in mind what has been said before, answer clearly and briefly, and ask "
    "where it is not clear what is meant."
)
_HISTORY: Final = (
    "Say whether the message can be answered from what has been said in this conversation alone, without any tool. Where "
    "it can, answer from that and from nothing else."
)
_NO_MODEL: Final = "I can continue the conversation once an LLM is configured."
_ENDED: Final = "Conversation ended."


def system_prompt(config: ConversationConfig | None) -> str | None:
    """Return what the model of the built-in answer is told first; None for nothing."""
    if config is None or config.system_prompt is None:
        return _SYSTEM
    return config.system_prompt or None


def history_prompt(config: ConversationConfig) -> str:
    """Return what the model that answers from history is told first."""
    return config.answer_from_history_prompt or _HISTORY


def converse(flow: Any) -> str:
    """Add and return the answer of the conversation's model to the transcript."""
    config: ConversationConfig | None = flow.conversational_config
    model = _model_of_answers(config)
    if model is None:
        reply = _NO_MODEL
    else:
        prompt = system_prompt(config)
        first = [{"role": "system", "content": prompt}] if prompt else []
        reply = _streamed(flow, model, [*first, *flow.conversation_messages])
    flow.append_assistant_message(reply)
    return reply


def answer_from_history(flow: Any) -> str | None:
    """Add and return the answer of the model that answers from history; None where there is no such model."""
    config: ConversationConfig | None = flow.conversational_config
    if config is None or config.answer_from_history_llm is None:
        return None
    messages = [{"role": "system", "content": history_prompt(config)}, *flow.build_agent_context(FROM_HISTORY)]
    reply = _streamed(flow, config.answer_from_history_llm, messages)
    flow.append_assistant_message(reply)
    return reply


def end(flow: Any) -> str:
    """End the conversation, and say so."""
    set_field(flow.state, "ended", True)
    flow.append_assistant_message(_ENDED)
    return _ENDED


def _model_of_answers(config: ConversationConfig | None) -> Any:
    if config is None:
        return None
    router = config.router
    return config.llm or config.answer_from_history_llm or (router and router.llm) or config.intent_llm


def _streamed(flow: Any, model: Any, messages: list[dict[str, Any]]) -> str:
    return content_text(streamed_answer(flow._flow_dialogue.model(model), messages))
