"""The page in a real Chromium: what a person sees, does and comes back to, on both widths and in both colour schemes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from harness.frames.frame import StreamFrame
from harness.web import create_app
from tests.bridges.timelines import CREW, frame
from tests.browser.chromium import DESKTOP, PHONE, Scheme, chromium, complaints, read, sized, until
from tests.web import targets
from tests.web.serving import served
from tests.web.sessions import PATIENCE_S

ROOT: Final = Path(__file__).parents[2]
STATUS: Final = "document.querySelector('#status').dataset.state"
FRAMES: Final = "Number(document.body.dataset.frames)"
TEXT: Final = "document.querySelector('#answer').innerText"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(create_app("tests.web.targets:TideFlow")) as at:
        yield at


@pytest.fixture(autouse=True)
def _held() -> None:
    targets.GATE.clear()


def opened(page: Chrome, url: str) -> None:
    page.get("about:blank")
    page.get(url)
    until(page, "document.querySelector('#fields textarea')")


def press(page: Chrome, *keys: str) -> None:
    page.switch_to.active_element.send_keys(*keys)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_run_is_read_as_it_comes(page: Chrome, url: str, size: tuple[int, int], scheme: Scheme) -> None:
    """Half of the text stands there while the model waits; then all of it does, with the tool, its answer and the steps."""
    sized(page, size, scheme)
    opened(page, url)
    press(page, Keys.CONTROL, Keys.ENTER)
    until(page, f"{TEXT}.includes('Twice a day the sea')")
    half, state = read(page, TEXT), read(page, STATUS)
    targets.GATE.set()
    until(page, f"{STATUS} === 'completed'")
    whole = read(page, TEXT)

    assert state == "running"
    assert targets.SAID not in half
    assert targets.SAID in whole
    for told in ("look", "tell", "Let me look.", "tides", '{"city":"Bergen"}', '"high": "03:12"', "Thought"):
        assert told in whole, told
    assert "Result" not in whole, "what was streamed is not shown twice"
    # Nothing reaches beyond the window's edge, and the ground has the scheme's colour.
    assert read(page, "document.documentElement.scrollWidth <= innerWidth") == "True"
    ground = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert ground == {"light": "rgba(246, 246, 249, 1)", "dark": "rgba(18, 19, 26, 1)"}[scheme]
    assert complaints(page) == []


def test_it_is_run_stopped_and_looked_through_by_keyboard(page: Chrome, url: str) -> None:
    sized(page, DESKTOP)
    opened(page, url)
    press(page, Keys.CONTROL, "a")
    press(page, "moons", Keys.CONTROL, Keys.ENTER)
    until(page, f"{TEXT}.includes('Twice a day')")
    press(page, Keys.ESCAPE)
    until(page, f"{STATUS} === 'cancelled'")
    assert read(page, "document.querySelector('#status').textContent") == "stopped"
    assert read(page, "document.querySelector('#go').textContent") == "Run"

    for _ in range(3):
        press(page, Keys.TAB)
    assert read(page, "document.activeElement.dataset.name") == "tags"
    press(page, Keys.TAB)
    assert read(page, "document.activeElement.id") == "go"
    page.execute_script("document.activeElement.blur()")
    for shown in ("False", "True"):
        page.find_element(By.TAG_NAME, "body").send_keys("f")
        assert read(page, "document.querySelector('#timeline').checkVisibility()") == shown
    page.find_element(By.TAG_NAME, "body").send_keys("/")
    assert read(page, "document.activeElement.dataset.name") == "topic"


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_a_run_asks_on_the_page_and_takes_the_answer(page: Chrome, size: tuple[int, int], scheme: Scheme) -> None:
    """By keyboard alone: at once, about an output, and where the run has paused and goes on."""
    waits = f"{STATUS} === 'waiting' && document.querySelector('#asks p')?.innerText"
    with served(create_app("tests.web.targets:AskingFlow")) as at:
        sized(page, size, scheme)
        opened(page, at)
        page.find_element(By.ID, "go").click()
        for question, answer in (("Who are you?", "Ann <b>"), ("Is it good?", "yes"), ("May it go out?", "now")):
            until(page, f"{waits} === '{question}'")
            assert read(page, "document.documentElement.scrollWidth <= innerWidth") == "True"
            press(page, answer, Keys.ENTER)
        until(page, f"{STATUS} === 'completed'")
        whole, cards = read(page, TEXT), read(page, "document.querySelectorAll('.ask').length")

    assert "sent: Good morning, Ann <b>! (yes) now" in whole
    assert whole.count("May it go out?") == 1
    assert cards == "0"
    assert complaints(page) == []


def test_what_is_sent_twice_before_the_server_answers_runs_once(page: Chrome, url: str) -> None:
    opened(page, url)
    page.execute_script("window.real = fetch; window.posts = 0; fetch = (...asked) => (posts += 1, real(...asked))")
    page.execute_script("$('form').requestSubmit(); $('form').requestSubmit()")
    targets.GATE.set()
    until(page, f"{STATUS} === 'completed'")
    assert read(page, "posts") == "1"
    press(page, Keys.CONTROL, Keys.ENTER)
    until(page, f"posts === 2 && {STATUS} === 'completed'")


def test_an_error_is_told_once_where_it_arose(page: Chrome, url: str) -> None:
    sized(page, DESKTOP)
    opened(page, url)
    page.find_element(By.CSS_SELECTOR, "[data-name=fail]").click()
    page.find_element(By.ID, "go").click()
    until(page, f"{STATUS} === 'failed'")

    assert read(page, TEXT).count("the table of tides is wet") == 1
    assert read(page, "document.querySelector('.scope.bad:not(.plain) > .head b').textContent") == "tell"
    assert "LookupError" in read(page, TEXT)


def _asked(seq: int, index: int, arguments: str) -> StreamFrame:
    called = {"id": f"t{index}", "index": index, "function": {"name": "look_up", "arguments": arguments}}
    return frame(seq, "llm_stream_chunk", "f2", chunk=arguments, call_type="tool_call", tool_call=called)


#: Frames inside of a flow and a call to a model, and what is read of them.
DRAWN: Final = [
    pytest.param(
        [
            _asked(3, 0, '{"to": "Oslo", "id": 1}'),
            _asked(4, 1, '{"to": "Bergen", "id": 1234567890123456789}'),
            frame(5, "tool_usage_started", "f2", tool_name="Look up", tool_args={"id": 1234567890123456789, "to": "Bergen"}),
            frame(6, "tool_usage_started", "f2", tool_name="Look up", tool_args={"id": 1, "to": "Oslo"}),
            frame(7, "tool_usage_finished", "f2", output=1234567890123456788, started_event_id="f5"),
            frame(8, "tool_usage_finished", "f2", output="rain", started_event_id="f6"),
        ],
        [
            *("look_up", "done · 2 ms", '{"to":"Oslo","id":1}', "rain"),
            *("look_up", "done · 2 ms", '{"to":"Bergen","id":1234567890123456789}', "1234567890123456788"),
        ],
        id="tools-that-were-asked-for",
    ),
    pytest.param(
        [frame(3, "llm_stream_chunk", "f2", chunk="I know 14."), frame(4, "flow_finished", result="4.", started_event_id="f1")],
        ["I know 14.", "Result", "4."],
        id="a-result-that-was-not-said",
    ),
    pytest.param(
        [
            frame(3, "llm_stream_chunk", "f2", chunk="My answer:"),
            frame(4, "llm_stream_chunk", "f2", chunk=" 14.\n"),
            frame(5, "flow_finished", result="14.", started_event_id="f1"),
        ],
        ["My answer: 14."],
        id="a-result-that-was-said",
    ),
    pytest.param(
        [
            frame(3, "llm_thinking_chunk", "f2", chunk="Half \ud83d"),
            frame(4, "llm_stream_chunk", "f2", chunk="of \ud83d it"),
            frame(5, "flow_failed", error="no \udcff", started_event_id="f1"),
        ],
        ["Thought", "of \\ud83d it", "Error", "no \\udcff"],
        id="what-no-file-can-hold",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "lines"), DRAWN)
def test_what_frames_tell_is_on_the_page(page: Chrome, url: str, frames: list[StreamFrame], lines: list[str]) -> None:
    opened(page, url)
    around = [frame(1, "flow_started", flow_name="F"), frame(2, "llm_call_started", "f1", model="m")]
    shown = page.execute_script(
        "const view = new RunView($('answer')); read(arguments[0]).forEach((one) => view.add(one)); return view.root.innerText",
        json.dumps([one.model_dump(mode="json") for one in (*around, *frames)]),
    )
    assert [line for line in shown.splitlines() if line.strip(" ✓✕")] == lines


def test_scopes_inside_of_many_have_room_on_a_phone(page: Chrome, url: str) -> None:
    sized(page, PHONE)
    opened(page, url)
    nested = [frame(1, "method_execution_started", method_name="m1")]
    nested += [frame(n, "method_execution_started", f"f{n - 1}", method_name=f"m{n}") for n in range(2, 61)]
    width = page.execute_script(
        "const view = new RunView($('answer')); read(arguments[0]).forEach((one) => view.add(one));"
        "return [...view.root.querySelectorAll('b')].at(-1).parentNode.getBoundingClientRect().width",
        json.dumps([one.model_dump(mode="json") for one in nested]),
    )
    assert width > PHONE[0] / 2


def test_a_line_of_the_frames_names_what_it_is_of(page: Chrome, url: str) -> None:
    opened(page, url)
    told = page.execute_script(
        "return read(arguments[0]).map(summary)", json.dumps([one.model_dump(mode="json") for one in CREW])
    )
    assert told[:6] == ["F", "Crew", "write", "Writer", "m", "{}"]


def test_all_of_a_run_is_printed(page: Chrome, url: str) -> None:
    sized(page, DESKTOP)
    opened(page, url)
    page.execute_script("$('answer').append(make('pre', '', 'line\\n'.repeat(500)))")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    fits = read(page, "$('answer').scrollHeight <= $('answer').clientHeight && document.body.scrollHeight > 5000")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert fits == "True"


def test_what_does_not_fit_is_told_and_nothing_runs(page: Chrome, url: str) -> None:
    sized(page, DESKTOP)
    opened(page, url)
    field = page.find_element(By.CSS_SELECTOR, "[data-name=tags]")
    for text, told in (("[1", "tags is not JSON"), ("7", "Invalid inputs for structured state")):
        field.clear()
        field.send_keys(text, Keys.CONTROL, Keys.ENTER)
        until(page, f"document.querySelector('#complaint').textContent.includes({told!r})")
    assert read(page, STATUS) == "idle"


@pytest.mark.parametrize(
    ("target", "name", "typed", "told"),
    [
        ("PlainFlow", "free", '{"name": 1234567890123456789}', "hello 1234567890123456789"),
        ("TideFlow", "name=words", "1234567890123456789", "1234567890123456789"),
        ("TideFlow", "name=words", "007", "7"),
        ("OddFlow", "name=post_code", "0100", '"0100"'),
    ],
)
def test_what_is_typed_is_sent_as_it_is(page: Chrome, target: str, name: str, typed: str, told: str) -> None:
    targets.GATE.set()
    sized(page, DESKTOP)
    with served(create_app(f"tests.web.targets:{target}")) as url:
        opened(page, url)
        field = page.find_element(By.CSS_SELECTOR, f"[data-{name}]")
        field.clear()
        field.send_keys(typed, Keys.CONTROL, Keys.ENTER)
        until(page, f"{STATUS} === 'completed'")
        if target == "TideFlow":
            assert read(page, "JSON.stringify(collected().words)") == told
        else:
            assert told in read(page, TEXT)


def test_a_page_that_is_loaded_again_goes_on_with_its_run(page: Chrome, url: str) -> None:
    sized(page, DESKTOP)
    opened(page, url)
    press(page, Keys.CONTROL, Keys.ENTER)
    until(page, f"{TEXT}.includes('Twice a day')")
    frames = read(page, FRAMES)
    page.refresh()
    until(page, f"{FRAMES} >= {frames}")
    targets.GATE.set()
    until(page, f"{STATUS} === 'completed'")
    assert read(page, TEXT).count(targets.SAID) == 1


def test_a_conversation_is_held_on_the_page(page: Chrome) -> None:
    sized(page, PHONE)
    with served(create_app("tests.web.targets:Desk")) as url:
        opened(page, url)
        for number, word in enumerate(("One", "Two"), 1):
            press(page, word, Keys.ENTER)
            until(page, f"{STATUS} === 'completed' && document.querySelectorAll('.said.user').length === {number}")
        assert read(page, "document.querySelector('#fields textarea').value") == ""
        assert read(page, TEXT).split() == ["One", "You", "said:", "One", "Two", "You", "said:", "Two"]
        conversation = read(page, "state.conversation")
        page.refresh()
        until(page, f"{STATUS} === 'completed'")
        page.find_element(By.CSS_SELECTOR, "#fields textarea").send_keys("Three", Keys.ENTER)
        until(page, f"{STATUS} === 'completed' && {TEXT}.includes('You said: Three')")
        assert read(page, "state.conversation") == conversation


@contextmanager
def server(port: str, target: str = "TideFlow") -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "harness", "serve", "--app", f"tests.web.targets:{target}", "--port", port]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split(" at ")[1].strip()
        finally:
            process.kill()
            process.wait(PATIENCE_S)


@pytest.mark.parametrize("loads", [False, True], ids=["left-open", "loaded-again"])
def test_a_run_that_waits_outlives_its_server(page: Chrome, loads: bool) -> None:
    """It has paused; its server is killed; the answer goes to the next server, which takes the run up."""
    sized(page, DESKTOP)
    card = "document.querySelector('#asks p')?.innerText"
    with server("0", "PausingFlow") as (process, url):
        opened(page, url)
        press(page, Keys.CONTROL, Keys.ENTER)
        until(page, f"{card} === 'May it go out?'")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    with server(url.rpartition(":")[2], "PausingFlow"):
        if loads:
            page.refresh()
            until(page, f"{card} === 'May it go out?'")
            assert "waits for your answer" in read(page, "document.querySelector('#banner').innerText")
        page.find_element(By.CSS_SELECTOR, "#asks textarea").send_keys("now", Keys.ENTER)
        until(page, f"{TEXT}.includes('sent: Good morning! now')")
        until(page, f"{STATUS} === 'completed'")
        assert read(page, "document.querySelectorAll('.ask').length") == "0"
        assert read(page, "document.querySelector('#banner').checkVisibility()") == "False"


def test_a_server_killed_in_the_middle_and_started_again(page: Chrome) -> None:
    """What came stays and is said to be cut off; the new server runs it again, from the page that was open all the time."""
    sized(page, DESKTOP)
    with server("0") as (process, url):
        opened(page, url)
        press(page, Keys.CONTROL, Keys.ENTER)
        until(page, f"{TEXT}.includes('Twice a day')")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        until(page, f"{STATUS} === 'connecting'")
        until(page, "document.querySelector('#banner').checkVisibility()")
    with server(url.rpartition(":")[2]):
        until(page, f"{STATUS} === 'lost'")
        assert "Twice a day" in read(page, TEXT)
        assert "What came so far is above" in read(page, "document.querySelector('#banner').innerText")
        page.find_element(By.ID, "again").click()
        until(page, f"{STATUS} === 'running' && {TEXT}.includes('Twice a day')")
        assert read(page, "document.querySelector('#banner').checkVisibility()") == "False"
