"""A conversation at the terminal: a line is a turn, and the answer is shown as it comes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness import session as sessions
from harness.errors import RunPaused
from harness.flow.conversation.fields import content_text, field_of
from harness.flow.conversation.graph import HANDLERS


def chat(
    flow: Any,
    options: Mapping[str, Any],
    *,
    prompt: str,
    assistant_prefix: str,
    exit_commands: Iterable[str],
    input_fn: Callable[[str], str],
    output_fn: Callable[[str], None] | None,
    skip_empty: bool,
) -> None:
    """Take turns until somebody ends it; see `Flow.chat`. Without an `output_fn` answers are written as they stream."""
    words = {command.casefold() for command in exit_commands}
    while not field_of(flow.state, "ended"):
        try:
            message = input_fn(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            (output_fn or _write_line)("")
            return
        if message.casefold() in words:
            return
        if not message and skip_empty:
            continue
        if output_fn is None:
            _streamed(flow.stream_turn(message, **options), assistant_prefix)
        else:
            output_fn(f"{assistant_prefix}{_words_of(flow.handle_turn(message, **options))}")


def _streamed(session: sessions.StreamSession[Any], prefix: str) -> None:
    """Write the answers of a turn: tokens of the built-in ones as they come, others as they are added."""
    written, method = "", ""
    # Ctrl-C while an answer comes ends the answer, not the conversation.
    with session, contextlib.suppress(KeyboardInterrupt):
        for frame in session:
            if frame.type == "method_execution_started":
                method = frame.data["method_name"]
            elif frame.type == "llm_stream_chunk" and frame.content and method in HANDLERS:
                _write(frame.content if written else prefix + frame.content)
                written += frame.content
            elif frame.type == "conversation_message_added" and frame.data["role"] == "assistant":
                content = str(frame.data["content"])
                _write_line("" if content == written else f"{prefix}{content}")
                written = ""
        if isinstance(session.result, RunPaused):
            _write_line(f"{prefix}{_words_of(session.result)}")
        return
    _write_line("")


def _words_of(reply: Any) -> str:
    if isinstance(reply, RunPaused):
        return reply.message or "This waits for an answer from elsewhere."
    return content_text(reply)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _write_line(text: str) -> None:
    _write(f"{text}\n")
