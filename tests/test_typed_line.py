"""Claims about lines that are typed: whose they are where somebody has stopped waiting for one."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterator

import pytest

from harness import Flow, start
from harness.typed_line import given_up, read_line

TIMEOUT_S = 10.0


class Keyboard:
    """Somebody who types a line once it is told to."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.reads = threading.Semaphore(0)
        self.go = threading.Event()

    def read(self, prompt: str) -> str:
        line = self.lines.pop(0)
        self.reads.release()
        assert self.go.wait(TIMEOUT_S)
        return line


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyboard]:
    typist = Keyboard("blue", "yes")
    monkeypatch.setattr("builtins.input", typist.read)
    yield typist
    typist.go.set()


def given_up_read(keyboard: Keyboard) -> threading.Thread:
    """Return a thread that reads a line for which nobody waits any more."""
    context, left = contextvars.copy_context(), threading.Event()
    context.run(given_up.set, left)
    thread = threading.Thread(target=context.run, args=(read_line, "? "), daemon=True)
    thread.start()
    assert keyboard.reads.acquire(timeout=TIMEOUT_S)
    left.set()
    return thread


def test_the_next_line_is_whose_who_waits_for_it_then(keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up_read(keyboard)
    prompts: list[str] = []

    def prompted(text: str) -> None:
        prompts.append(text)
        keyboard.go.set()

    monkeypatch.setattr("harness.typed_line.write", prompted)
    assert read_line("You: ") == "blue"
    assert (prompts, read_line("You: ")) == (["You: "], "yes")


def test_of_two_who_wait_for_the_next_line_the_second_has_the_one_after_it(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up_read(keyboard)
    follows = threading.Semaphore(0)
    monkeypatch.setattr("harness.typed_line.write", lambda text: follows.release())
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    for _ in range(2):
        threading.Thread(target=lambda: lines.put(read_line("? ")), daemon=True).start()
        assert follows.acquire(timeout=TIMEOUT_S)
    keyboard.go.set()
    assert sorted(lines.get(timeout=TIMEOUT_S) for _ in range(2)) == ["blue", "yes"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_end_of_what_is_typed_is_told_to_whoever_waits_then(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(prompt: str) -> str:
        keyboard.read(prompt)
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    thread = given_up_read(keyboard)

    def prompted(text: str) -> None:
        keyboard.go.set()
        # Who had given up is told first.
        thread.join(TIMEOUT_S)

    monkeypatch.setattr("harness.typed_line.write", prompted)
    with pytest.raises(EOFError):
        read_line("You: ")


def test_a_line_for_which_nobody_waits_answers_no_later_question(keyboard: Keyboard) -> None:
    thread = given_up_read(keyboard)
    keyboard.go.set()
    thread.join(TIMEOUT_S)
    assert read_line("Send it? ") == "yes"


def test_what_is_typed_after_a_question_has_timed_out_is_the_answer_to_the_next(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.typed_line.write", lambda text: keyboard.go.set())

    class Asking(Flow):
        @start()
        def ask_twice(self) -> list[str | None]:
            return [self.ask("Which colour?", timeout=0.01), self.ask("Which colour, then?")]

    assert Asking().kickoff() == [None, "blue"]
