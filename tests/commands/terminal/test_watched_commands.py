"""What a person sees while a command is at work: progress on stderr, thinking apart from text, whose failure it is."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from harness.commands.progress import watched
from harness.commands.run_text import RunText
from tests.commands.command_line import Run
from tests.commands.terminal.test_terminal import Terminal, watch
from tests.recording.support.remade import SHIPPED


def test_progress_says_how_far_a_command_is_and_what_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watch(monkeypatch)
    with watched(["first\x1b[2J", "second"]) as seen:
        seen.advance()
        with seen.set_aside():
            terminal.write("a result\n")
        seen.advance()
    told = terminal.getvalue()
    assert "0/2" in told.replace("\x1b[32m", "")
    assert "first\\x1b" in told
    assert "second" in told
    assert "2/2" in told.replace("\x1b[32m", "")
    assert "first\x1b[2J" not in told
    assert max(len(line) for line in told.split("\r")) < 400


@pytest.mark.parametrize(
    ("stream", "names", "kind"),
    [(io.StringIO(), ["a", "b"], "xterm"), (Terminal(), ["a"], "xterm"), (Terminal(), ["a", "b"], "dumb")],
)
def test_there_is_none_where_nobody_watches_or_nothing_is_to_be_waited_for_or_nothing_can_be_written_over(
    stream: io.StringIO, names: list[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys, "stderr", stream)
    with watched(names) as seen, seen.set_aside():
        seen.advance()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("name", "text", "beside"),
    [
        ("anthropic/thinking", "answer", "thinking: "),
        ("openai/parallel_tool_calls", "", 'tool: get_weather({"city": "Bergen"}), get_weather({"city": "Narvik"})\n'),
    ],
)
def test_the_text_of_a_run_stands_apart_from_what_the_model_thinks_and_asks_for(
    name: str, text: str, beside: str, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(SHIPPED / name, tmp_path / "it")
    shown = run("show", tmp_path / "it", "--json", "-").document["timelines"][0]["frames"]
    target = f"harness.shipped.targets:{name.replace('/', '.')}"
    said = run("record", target, "--mode", "none", "-o", tmp_path / "it")
    assert said.code == 0, said.err
    answer = "".join(
        frame["data"]["chunk"]
        for frame in shown
        if frame["type"] == "llm_stream_chunk" and frame["data"]["call_type"] == "llm_call"
    )
    thought = "".join(frame["data"]["chunk"] for frame in shown if frame["type"] == "llm_thinking_chunk")
    assert said.out.strip() == answer.strip()
    assert bool(answer) is bool(text)
    assert beside + thought in said.err


def test_a_run_that_says_nothing_is_named_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.commands.run_text._MOMENT_S", 0.0)
    terminal = watch(monkeypatch)
    shown = RunText(terminal)
    with shown.watch("my_app:Plan"):
        assert shown._silent is not None
        shown._silent.join(10)
    assert terminal.getvalue() == "running my_app:Plan …\n"


def test_lines_are_ended_where_text_and_thinking_share_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watch(monkeypatch)
    shown = RunText(terminal)
    shown.aside("thinking", "Hm")
    shown.aside("thinking", ".")
    shown.text("Hel")
    shown.text("lo")
    shown.aside("tool", "add({})")
    shown.aside("thinking", "So")
    shown.aside("tool", "sub({})")
    shown.text("One")
    shown.aside("call", "")
    shown.aside("call", "")
    shown.text("Two")
    assert terminal.getvalue() == ("thinking: Hm.\nHello\ntool: add({})\nthinking: So\ntool: sub({})\nOne\nTwo")
