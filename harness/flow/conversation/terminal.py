"""A conversation at the terminal: a line is a turn, and the answer is shown as it comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness import session as sessions
from harness.errors import RunPaused
from harness.flow.conversation.fields import content_text
from harness.flow.conversation.graph import HANDLERS
from harness.flow.graph.labels import several
from harness.flow.state import field_of
from harness.frames.frame import StreamFrame
from harness.terminal import write
from harness.typed_line import read_line


def chat(
    flow: Any,
    options: Mapping[str, Any],
    *,
    prompt: str,
    assistant_prefix: str,
    exit_commands: Iterable[str],
    input_fn: Callable[[str], str] | None,
    output_fn: Callable[[str], None] | None,
    skip_empty: bool,
) -> None:
    """Take turns until somebody ends it; see `Flow.chat`. Without an `output_fn` answers are written as they stream."""
    read = input_fn or read_line
    words = {command.casefold() for command in several(exit_commands)}
    while True:
        try:
            message = read(prompt).strip()
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
            try:
                output_fn(f"{assistant_prefix}{_words_of(flow.handle_turn(message, **options))}")
            except KeyboardInterrupt:
                output_fn("")
        if field_of(flow.state, "ended"):
            return


def _streamed(session: sessions.StreamSession[Any], prefix: str) -> None:
    """Write the answers of a turn: tokens of the built-in ones as they come, others as they are added.

    What is said in other conversations, which handlers have with flows of their own, is these handlers' business.
    """
    written, method = "", ""
    #: The scopes that methods of this conversation are in: its turn, and the flow of it.
    around: set[str | None] = {None}
    others: set[tuple[str, str]] = set()
    # Ctrl-C while an answer comes ends the answer, not the conversation.
    with session, contextlib.suppress(KeyboardInterrupt):
        for frame in session:
            is_own = frame.parent_id in around
            if frame.type in {"conversation_turn_started", "flow_started"} and is_own:
                around.add(frame.id)
            elif frame.type == "conversation_turn_started":
                others.add(_conversation_of(frame))
            elif frame.type == "method_execution_started":
                method = frame.data["method_name"] if is_own else ""
            elif frame.type == "llm_stream_chunk" and frame.content and method in HANDLERS:
                write(frame.content if written else prefix + frame.content)
                written += frame.content
            elif frame.type == "conversation_message_added" and frame.data["role"] == "assistant":
                if _conversation_of(frame) in others:
                    continue
                content = str(frame.data["content"])
                _write_line("" if content == written else f"{prefix}{content}")
                written = ""
        if isinstance(session.result, RunPaused):
            _write_line(f"{prefix}{_words_of(session.result)}")
        return
    _write_line("")


def _conversation_of(frame: StreamFrame) -> tuple[str, str]:
    return frame.data["flow_name"], frame.data["session_id"]


def _words_of(reply: Any) -> str:
    if isinstance(reply, RunPaused):
        return reply.message or "This waits for an answer from elsewhere."
    return content_text(reply)


def _write_line(text: str) -> None:
    write(f"{text}\n")
