"""What a model has chosen of several labels, as it was asked to: what it is to answer with, and what it then has said."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, create_model

#: The field of the answer that has the label.
OUTCOME: Final = "outcome"


def choice_among(name: str, labels: Sequence[str]) -> type[BaseModel]:
    """Return a model of this name whose `outcome` is one of `labels`."""
    # Which there are is known at run time alone.
    fields: dict[str, Any] = {OUTCOME: (Literal[tuple(labels)], ...)}
    return create_model(name, **fields)


def field_in(answer: Any, field: str = OUTCOME) -> str | None:
    """Return a field of an answer, as text: of a model, a dict or JSON; of what has no fields all. None where it is not there."""
    if isinstance(answer, str):
        text = answer
        try:
            read = json.loads(text)
        except ValueError:
            return text.strip()
        # A label may look like another value of JSON, as 2 or false.
        answer = text if isinstance(read, int | float) else read
    if isinstance(answer, Mapping):
        value = answer.get(field)
    else:
        value = getattr(answer, field, None if isinstance(answer, BaseModel | list) else answer)
    if isinstance(value, enum.Enum):
        value = value.value
    return None if value is None else str(value).strip()


def label_in(text: str | None, labels: Sequence[str], *, in_part: bool = False) -> str | None:
    """Return the one of `labels` that `text` is, whatever its case, or `in_part` has in it; None where it is none."""
    wanted = (text or "").strip().casefold()
    same = [label for label in labels if label.casefold() == wanted]
    if same or not in_part:
        return text if text in same else next(iter(same), None)
    # The longest first: "not approved" has "approved" in it.
    return next((label for label in sorted(labels, key=len, reverse=True) if label.casefold() in wanted), None)
