"""What of a provider's answer a call shows that asked for less of it, or for it in another form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from conformance.timeline.evidence import WireFacts

#: The tool by which a structured answer is asked for where a model has no form of it. Callers see no tool.
_STRUCTURED = "structured_output"


def as_requested(wire: WireFacts | None, started: Mapping[str, Any]) -> WireFacts | None:
    """Return the facts that a call with these settings is to show."""
    if wire is None:
        return None
    return _until_stop(_structured(wire, started.get("tools")), started.get("stop_sequences"))


def _structured(wire: WireFacts, tools: Any) -> WireFacts:
    names = {(tool.get("function") or tool).get("name") for tool in tools or () if isinstance(tool, Mapping)}
    answers = [call for call in wire.tool_calls if call.name == _STRUCTURED]
    if len(answers) != 1 or _STRUCTURED in names:
        return wire
    other_calls = tuple(call for call in wire.tool_calls if call.name != _STRUCTURED)
    if other_calls or wire.kinds is None:
        return replace(wire, text=answers[0].arguments, tool_calls=other_calls)
    shown = ("text" if kind == "tool_call" else kind for kind in wire.kinds if kind != "text")
    kinds = tuple(kind for kind, _ in groupby(shown))
    reason = "stop" if wire.finish_reason == "tool_calls" else wire.finish_reason
    return replace(wire, text=answers[0].arguments, tool_calls=(), kinds=kinds, finish_reason=reason)  # type: ignore[arg-type]


def _until_stop(wire: WireFacts, words: Any) -> WireFacts:
    found = [place for word in words or () if word and (place := wire.text.find(word)) >= 0]
    if not found:
        return wire
    text = wire.text[: min(found)]
    kinds = wire.kinds if text or wire.kinds is None else tuple(kind for kind in wire.kinds if kind != "text")
    reason = wire.finish_reason if wire.finish_reason == "tool_calls" else "stop"
    return replace(wire, text=text, kinds=kinds, finish_reason=reason)
