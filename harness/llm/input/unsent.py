"""Fields of messages that no provider has a place for: programs keep notes of their own in messages."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.llm.input.messages import Message

#: Notes for the programs around a call, which say nothing to a model.
_NOTES: Final = frozenset({"cache_breakpoint", "id", "metadata", "timestamp"})
#: How alike an unknown field and a message's own are where one was meant to be the other.
_NEAR: Final = 0.8


class UnsentFieldWarning(UserWarning):
    """A message has a field that no provider has a place for. The message is sent without it."""


def without_unsent(messages: Any) -> Any:
    """Return messages without the fields that none has. A field that is nearly a message's is left, to be refused.

    Warns:
        UnsentFieldWarning: what was left out says something, and is no note that programs are known to keep.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        return messages
    return [_known(message) if isinstance(message, Mapping) else message for message in messages]


def _known(message: Mapping[Any, Any]) -> Mapping[Any, Any]:
    unsent = [name for name in message if name not in Message.model_fields and not _is_near(name)]
    if not unsent:
        return message
    told = [str(name) for name in unsent if name not in _NOTES and message[name] not in (None, [], {}, "")]
    if told:
        what = f"not sent of a message: {', '.join(told)}; no provider has a place for it"
        warnings.warn(what, UnsentFieldWarning, stacklevel=6)
    return {name: value for name, value in message.items() if name not in unsent}


def _is_near(name: Any) -> bool:
    return isinstance(name, str) and bool(difflib.get_close_matches(name, Message.model_fields, n=1, cutoff=_NEAR))
