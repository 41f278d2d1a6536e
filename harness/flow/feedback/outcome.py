"""The outcome that a human's words come to: a model chooses it among those that a method emits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from harness.flow.choice import choice_among, field_in, label_in
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
        answer = await _model_answer(model, prompt, response_model=choice_among("FeedbackOutcome", outcomes))
        return label_in(field_in(answer), outcomes, in_part=True) or outcomes[0]
    except Exception as error:
        logger.warning("no structured outcome came (%s: %s); asking plainly", type(error).__name__, error)
    return label_in(str(await _model_answer(model, prompt)), outcomes, in_part=True) or outcomes[0]


async def _model_answer(llm: Any, prompt: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": prompt}]
    if isinstance(llm, BaseLLM):
        return await llm.acall(messages, **options)
    return await asettled(await in_thread(lambda: llm.call(messages=messages, **options)))
