"""Claims about conversations at the terminal, in a pseudo-terminal and with functions in its place."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness import Flow, UsageError, listen
from harness.events import FlowFinishedEvent, FlowStartedEvent
from tests.flow.conversation.talks import Plain, Speaker, said, talk
from tests.flow.graph.graphs import hearing

PROGRAM = """
    import fcntl, sys, termios, threading
    from harness import BaseLLM, Flow, event_bus, listen
    from harness.conversation import ConversationConfig
    from harness.events import FlowFinishedEvent
    from harness.llm import Finish, TextDelta

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    class Speaker(BaseLLM):
        def generate(self, request):
            yield TextDelta("One. ")
            if "stop" in str(request.messages[-1].content):
                threading.Event().wait(60)
            yield TextDelta("Two.")
            yield Finish("stop")

    @ConversationConfig(llm=Speaker("s"))
    class Talk(Flow):
        def route_turn(self, context):
            word = context["current_user_message"]
            return word if word in ("OWN", "end") else None

        @listen("OWN")
        def own(self):
            return "My own."

    event_bus.on(FlowFinishedEvent)(lambda source, event: print("<finished>"))
    flow = Talk()
    flow.chat()
    print("<over>", len(flow.state.messages))
"""


class Terminal:
    """A pseudo-terminal with a conversation in it."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._shown = ""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def shows(self, text: str, *, again: str = "") -> str:
        """Wait until `text` is shown, now and then typing `again`; return what was, up to its end."""
        deadline = time.monotonic() + 30
        while text not in self._shown:
            assert time.monotonic() < deadline, f"{text!r} was not shown, but {self._shown!r}"
            ready, _, _ = select.select([self._master], [], [], 1.0)
            if not ready:
                self.type(again)
                continue
            try:
                self._shown += os.read(self._master, 4096).decode().replace("\r", "")
            except OSError:
                break
        before, found, self._shown = self._shown.partition(text)
        assert found, f"{text!r} was not shown, but {before!r}"
        return before + found


@contextmanager
def terminal() -> Iterator[Terminal]:
    master, slave = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master)
        assert program.wait(30) == 0
    finally:
        program.kill()
        program.wait()
        os.close(master)


def test_answers_stream_ctrl_c_ends_one_blank_lines_are_passed_over_and_an_exit_word_ends_all() -> None:
    with terminal() as screen:
        screen.shows("You: ")
        screen.type("hello\n")
        assert screen.shows("Two.\nYou: ").endswith("Assistant: One. Two.\nYou: ")
        screen.type("stop\n")
        screen.shows("Assistant: One. ")  # the rest is still to come
        screen.type("\x03")
        screen.shows("\nYou: ")
        screen.type("\n   \nOWN\n")
        assert screen.shows("own.\n").endswith("Assistant: My own.\n")
        screen.shows("You: ")
        screen.type("EXIT\n")
        # Of the answer that was ended there is nothing but its question.
        assert "<finished>" in screen.shows("<over> 5")


@pytest.mark.parametrize(("key", "messages"), [("\x04", 0), ("\x03", 0), ("end\n", 2)], ids=["eof", "ctrl-c", "end"])
def test_the_end_of_the_input_ctrl_c_and_the_end_of_the_conversation_end_it(key: str, messages: int) -> None:
    with terminal() as screen:
        screen.shows("You: ")
        screen.type(key)
        # Python sees a signal that comes between a prompt and the reading of its line only with the next one.
        screen.shows(f"<over> {messages}", again=key if key == "\x03" else "")


def test_functions_take_the_place_of_the_terminal() -> None:
    flow = talk(llm=Speaker("Hello there"), defer_trace_finalization=False)
    lines = iter(["hi", "", "again", "Quit", "never"])
    asked: list[str] = []
    shown: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return next(lines)

    with hearing(FlowStartedEvent, FlowFinishedEvent, note=lambda event: event.type) as flows:
        flow.chat(session_id="a", prompt="> ", assistant_prefix="< ", input_fn=ask, output_fn=shown.append)

    assert asked == ["> "] * 4
    assert shown == ["< Hello there"] * 2
    assert said(flow) == ["user: hi", "assistant: Hello there", "user: again", "assistant: Hello there"]
    assert flow.state.id == "a"
    assert flows == ["flow_started", "flow_finished"]
    assert flow.defer_trace_finalization is False


def chatted(flow: Flow[Any], *lines: str, **options: Any) -> None:
    """Say these lines, and then no more."""
    left = iter([*lines, "exit"])
    flow.chat(input_fn=lambda prompt: next(left), **options)


def test_what_is_said_reaches_the_terminal_without_what_it_would_obey_and_in_its_encoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    chatted(talk(llm=Speaker("\x1b]52;c;ZXZpbA==\x07 \N{SMILING FACE WITH SUNGLASSES}")), "hi")
    assert shown.getvalue() == b"Assistant: \\x1b]52;c;ZXZpbA==\\x07 \\U0001f60e\n"


def test_what_handlers_say_in_conversations_of_their_own_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    expert = talk(llm=Speaker("Forty-two."))

    class Asks(Flow[Any]):
        @listen("converse")
        def pass_on(self) -> Any:
            return f"It says: {expert.handle_turn('How many?')}"

    chatted(talk(Asks), "hi")
    assert capsys.readouterr().out == "Assistant: It says: Forty-two.\n"


def test_ctrl_c_ends_an_answer_alone_and_a_conversation_that_has_ended_begins_anew() -> None:
    class Ends(Flow[Any]):
        def route_turn(self, context: dict[str, Any]) -> str | None:
            if context["current_user_message"] == "long":
                raise KeyboardInterrupt
            return "end" if context["current_user_message"] == "bye" else None

    flow, shown = talk(Ends, llm=Speaker("Hello there")), list[str]()
    for _ in range(2):
        chatted(flow, "long", "hi", "bye", "never", output_fn=shown.append)
    assert shown == ["", "Assistant: Hello there", "Assistant: Conversation ended."] * 2


def test_chat_is_for_conversations() -> None:
    with pytest.raises(UsageError, match=r"Flow\.chat\(\) is only available on conversational flows"):
        Plain().chat()
