"""A conversation that has outgrown its model, told again by that model in fewer words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from harness.agents import prompts
from harness.agents.inquiry import Inquirer

#: Characters that are asked about at once, for each token of the model's window: half of what usually fits.
_PER_TOKEN: Final = 2
#: The window of a model that does not tell its own, in tokens.
_WINDOW: Final = 8_000


async def shortened(
    inquirer: Inquirer, messages: list[dict[str, Any]], opening_length: int
) -> list[dict[str, Any]] | None:
    """Return the first `opening_length` messages, and all others told in one; None where there are no others.

    Raises:
        Exception: what a call of the model failed with.
    """
    if len(messages) <= opening_length:
        return None
    summaries = [
        str(await inquirer.ask([{"role": "user", "content": prompts.SHORTEN.format(piece)}]))
        for piece in _pieces("\n\n".join(map(_line, messages[opening_length:])), _size(inquirer.llm))
    ]
    return [*messages[:opening_length], {"role": "user", "content": prompts.SHORTENED.format("\n".join(summaries))}]


def _line(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    calls = message.get("tool_calls")
    requests = f" {json.dumps(calls, default=str)}" if calls else ""
    return f"{message.get('role')}: {content}{requests}"


def _size(llm: Any) -> int:
    window = getattr(llm, "get_context_window_size", None)
    return max(1, int(window()) if callable(window) else _WINDOW) * _PER_TOKEN


def _pieces(text: str, size: int) -> Iterator[str]:
    for begin in range(0, len(text), size):
        yield text[begin : begin + size]
