"""Answers in the form of a model: read from text, and asked for once more where the text is none."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from harness.agents.inquiry import Inquirer
from harness.agents.prompts import form_text
from harness.errors import MalformedResponseError
from harness.llm.output.thoughts import without_thoughts

M = TypeVar("M", bound=BaseModel)
_FENCED: Final = re.compile(r"```(?:json)?(.*?)```", re.DOTALL)


def read(text: str, model: type[M]) -> M | None:
    """Return the `model` that stands in a text: alone, in a fence, or among other words; None for none, or for several.

    What the text begins with as thoughts is no answer.
    """
    text = without_thoughts(text)
    fenced = _FENCED.fullmatch(text.strip())
    alone = _fitting(text if fenced is None else fenced[1], model)
    if alone is not None:
        return alone
    begin, end = text.find("{"), text.rfind("}")
    for parts in ([match[1] for match in _FENCED.finditer(text)], [text[begin : end + 1]]):
        fits = [(from_json(part.strip()), fit) for part in parts if (fit := _fitting(part, model)) is not None]
        # Among words all that braces are around, such as code, fits a form of defaults alone.
        found = [(value, fit) for value, fit in fits if fit.model_fields_set]
        if found:
            # A draft may stand before the answer. By what was said, since a form may make an id of its own, or a time.
            return found[0][1] if all(value == found[0][0] for value, _ in found) else None
    return None


def _fitting(text: str, model: type[M]) -> M | None:
    with suppress(ValidationError):
        return model.model_validate_json(text.strip())
    return None


async def in_form(inquirer: Inquirer, text: str, model: type[M]) -> M:
    """Return an answer as a `model`; where its text is none, the agent's LLM is asked to put it into that form.

    Raises:
        MalformedResponseError: that is none either.
    """
    found = read(text, model)
    if found is not None:
        return found
    request = f"Put this into another form, and leave out nothing that belongs there:\n\n{text}\n\n{form_text(model)}"
    messages: list[dict[str, Any]] = [{"role": "user", "content": request}]
    answer = await inquirer.ask(messages, response_model=model)
    converted = answer if isinstance(answer, model) else read(str(answer), model)
    if converted is None:
        raise MalformedResponseError(
            f"the answer is no {model.__name__}, and neither is what the model made of it when asked: {str(answer)[:200]!r}",
            provider=str(getattr(inquirer.llm, "provider", "custom")),
        )
    return converted
