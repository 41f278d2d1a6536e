"""The outcome that a human's words come to: a model chooses it among those that a method emits."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, create_model

from harness.llm import LLM, BaseLLM
from harness.workers import asettled, in_thread

logger = logging.getLogger("harness")


async def choose_outcome(
    message: str, feedback: str, outcomes: Sequence[str], llm: Any, default: str | None = None
) -> str:
    """Return the outcome that `feedback`, given when `message` was asked, comes to.

    No words at all come to `default`, or to the first, and no model is asked. Otherwise it is asked for a structured
    answer, or, where that fails, for a plain one; an answer that is no outcome comes to the first.

    Raises:
        Exception: as the model's, where the plain question failed, too.
    """
    words = feedback.strip()
    if not words:
        return default or outcomes[0]
    prompt = (
        f"A person was asked: {message}\n\nThe person answered:\n{words}\n\n"
        f"Which of these outcomes does the answer come to? {', '.join(outcomes)}\nName that outcome and nothing else."
    )
    model = LLM(llm) if isinstance(llm, str) else llm
    try:
        answer = await _model_answer(model, prompt, response_model=_answer_model(outcomes))
        text, is_free = _outcome_in(answer)
        return _fitting(text, outcomes, in_part=is_free) or outcomes[0]
    except Exception as error:
        logger.warning("no structured outcome came (%s: %s); asking plainly", type(error).__name__, error)
    return _fitting(str(await _model_answer(model, prompt)), outcomes, in_part=True) or outcomes[0]


async def _model_answer(llm: Any, prompt: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": prompt}]
    if isinstance(llm, BaseLLM):
        return await llm.acall(messages, **options)
    return await asettled(await in_thread(lambda: llm.call(messages=messages, **options)))


def _answer_model(outcomes: Sequence[str]) -> type[BaseModel]:
    # Which outcomes there are is known at run time alone.
    fields: dict[str, Any] = {"outcome": (Literal[tuple(outcomes)], ...)}
    return create_model("FeedbackOutcome", **fields)


def _outcome_in(answer: Any) -> tuple[str, bool]:
    """Return what an answer says, of a model or of JSON its field, and whether it is free text, which is returned whole."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return str(answer), True
    return str(answer.get("outcome") if isinstance(answer, dict) else getattr(answer, "outcome", answer)), False


def _fitting(answer: str, outcomes: Sequence[str], *, in_part: bool) -> str | None:
    answer = answer.strip().lower()
    for outcome in outcomes:
        if outcome.lower() == answer:
            return outcome
    # The longest first: "not approved" has "approved" in it.
    parts = sorted(outcomes, key=len, reverse=True) if in_part else ()
    return next((outcome for outcome in parts if outcome.lower() in answer), None)
