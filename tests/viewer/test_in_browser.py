"""The viewer in a real Chromium, from a file: what is seen, found and reached by keyboard, on both widths and schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from conformance.run.stored_timeline import broken_clauses
from harness import BaseLLM
from harness.frames import StreamFrame
from harness.llm import Finish, TextDelta
from harness.viewer import ViewedRun, render_beside, render_viewer, viewed_runs
from tests.browser.chromium import DESKTOP, PHONE, Scheme, chromium, complaints, read, sized, until
from tests.recording.support.remade import SHIPPED
from tests.recording.support.timelines import frames_of

FLOW: Final = SHIPPED / "openai" / "two_step_flow"
CHOSEN: Final = "document.querySelector('.line.selected')"
DETAIL: Final = "document.querySelector('.panel').innerText"
LINES: Final = "document.querySelectorAll('.line').length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("flow"), render_viewer(viewed_runs(FLOW), "two steps"))


def written(folder: Path, html: str) -> str:
    path = folder / "viewer.html"
    path.write_text(html, "utf-8")
    return path.as_uri()


def opened(page: Chrome, url: str) -> None:
    page.get("about:blank")
    page.get(url)
    until(page, CHOSEN)


def press(page: Chrome, *keys: str) -> None:
    for key in keys:
        page.find_element(By.TAG_NAME, "body").send_keys(key)


def chosen(page: Chrome) -> str:
    """Return the chosen line's number and type, once the page is drawn."""
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    seq, kind = (read(page, f"{CHOSEN}.querySelector('{one}').textContent") for one in (".seq", "b"))
    return f"{seq} {kind}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_timeline_is_seen_on_each_width_and_in_each_scheme(
    page: Chrome, flow: str, size: tuple[int, int], scheme: Scheme
) -> None:
    sized(page, size, scheme)
    opened(page, flow)

    assert chosen(page) == "1 flow_started"
    assert read(page, "document.documentElement.scrollWidth <= innerWidth") == "True"
    ground = page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert ground == {"light": "rgba(246, 246, 249, 1)", "dark": "rgba(18, 19, 26, 1)"}[scheme]
    assert painted(page) > 500
    assert complaints(page) == []


def painted(page: Chrome) -> int:
    """Return how many pixels of the lanes have a colour that is no grey."""
    return int(
        page.execute_script(
            "const c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "let n = 0; for (let i = 0; i < d.length; i += 4) if (Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60 && d[i+3] > 100) n++;"
            "return n"
        )
    )


def test_all_of_it_is_reached_by_keyboard(page: Chrome, flow: str) -> None:
    sized(page, DESKTOP)
    opened(page, flow)
    press(page, Keys.ARROW_DOWN, "j", "j")
    assert chosen(page) == "4 llm_stream_chunk"
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert chosen(page) == "6 llm_stream_chunk"
    assert "carried by\nchunk 4 of 19" in read(page, DETAIL)
    assert "What the provider sent" in read(page, DETAIL)
    press(page, "g")
    assert read(page, "document.querySelector('.grown .now').textContent") == " Wake"
    assert read(page, "document.querySelector('.grown span').textContent") == "1."
    press(page, "p")
    assert chosen(page) == "3 llm_call_started"
    press(page, Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert chosen(page) == "19 llm_call_completed"
    press(page, Keys.END)
    assert chosen(page) == "57 flow_finished"
    press(page, Keys.HOME, "t")
    until(page, "document.querySelector('.gap + button').ariaPressed === 'false'")
    before = painted(page)
    press(page, "o", "+", "+", "]")
    assert painted(page) != before
    press(page, "0", "?")
    assert read(page, "Boolean(document.querySelector('.help'))") == "True"


def test_frames_are_found_and_channels_left_out(page: Chrome, flow: str) -> None:
    sized(page, DESKTOP)
    opened(page, flow)
    press(page, "/")
    page.switch_to.active_element.send_keys("METHOD_EXEC", Keys.ENTER)
    assert chosen(page) == "2 method_execution_started"
    assert read(page, "document.querySelector('.search output').textContent") == "4"
    press(page, "n", "n")
    assert chosen(page) == "21 method_execution_started"
    press(page, Keys.ESCAPE, "3")
    until(page, f"{LINES} === 6")
    assert "llm_" not in read(page, "document.querySelector('.list').innerText")
    press(page, "3")
    until(page, f"{LINES} > 6")


def test_a_link_opens_at_its_frame_and_the_links_of_a_frame_lead_on(page: Chrome, flow: str) -> None:
    sized(page, DESKTOP)
    opened(page, f"{flow}#run=1&frame=30")
    # It is folded into the row of its call.
    assert chosen(page) == "23 llm_stream_chunk"
    assert "frame 30" in read(page, DETAIL)
    page.find_element(By.XPATH, "//dd/button[contains(., 'llm_call_started')]").click()
    assert chosen(page) == "22 llm_call_started"
    assert read(page, "location.hash") == "#run=1&frame=22"


def press_within_a_frame(page: Chrome, *keys: str) -> None:
    """Press keys faster than a page is drawn, as a loaded machine does: between two of them it has only microtasks."""
    page.execute_async_script(
        """
        const [keys, done] = arguments;
        (async () => {
          for (const key of keys) {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            for (let turn = 0; turn < 20; turn++) await null;
          }
          done();
        })();
        """,
        keys,
    )


def test_keys_that_come_faster_than_the_page_is_drawn_are_all_done(page: Chrome, flow: str, tmp_path: Path) -> None:
    sized(page, DESKTOP)
    opened(page, flow)
    press_within_a_frame(page, "ArrowDown", "j", "j", "g", "g")
    assert chosen(page) == "4 llm_stream_chunk"
    assert read(page, "document.querySelector('[role=tab][aria-selected=true]').innerText") == "Clauses"

    run = viewed_runs(FLOW)[0]
    page.get("about:blank")
    page.get(written(tmp_path, render_beside(run, run, "equal")))
    until(page, "document.querySelector('.pair')")
    press_within_a_frame(page, "d", "Home", "j", "j")
    page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    selected = "[...document.querySelectorAll('.pair')].findIndex((one) => one.classList.contains('selected'))"
    assert read(page, selected) == "2"


def test_lines_name_tasks_and_agents_of_their_calls_the_model_and_fields_of_ones_own(
    page: Chrome, tmp_path: Path
) -> None:
    of = {"agent_role": "Scout", "task_name": "research"}
    crew = frames_of(
        ("task", "task_started", None, {"task_name": "research"}),
        ("agent", "agent_execution_started", "task", of),
        ("call", "llm_call_started", "agent", {"model": "m", **of}),
        ("end", "task_completed", None, {"task_name": "research", "output": {"raw": "It is.", "name": "research"}}),
        ("said", "conversation_message_added", None, {"flow_name": "Chat", "role": "user", "content": "Hi"}),
        ("tide", "tide_read", None, {"metres": 1.4, "note": None, "agent_id": "a1"}),
    )
    opened(page, written(tmp_path, render_viewer([ViewedRun("crew", crew)], "crew")))
    lines = page.execute_script("return [...document.querySelectorAll('.line')].map((line) => line.textContent)")
    told = (
        "task_startedresearch",
        "agent_execution_startedScout",
        "llm_call_startedm",
        "task_completedresearchIt is.",
        "message_addeduserHi",
        'tide_read{"metres":1.4}',
    )
    assert [part for part, line in zip(told, lines, strict=True) if part in line] == list(told)


@pytest.mark.parametrize("pair", [False, True], ids=["one run", "two runs"])
def test_what_is_seen_and_all_of_the_frame_is_printed_dark_on_light(page: Chrome, tmp_path: Path, pair: bool) -> None:
    sized(page, DESKTOP, "dark")
    run = viewed_runs(FLOW)[0]
    page.get(written(tmp_path, render_beside(run, run, "two") if pair else render_viewer([run], "one")))
    until(page, "document.querySelector('.line.selected, .pair.selected')")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    cut_off = "[...document.querySelectorAll('.list, .panel')].filter((box) => box.scrollHeight > box.clientHeight + 2).length"
    rows = "[...document.querySelectorAll('.line, .pair')].map((row) => Math.round(row.getBoundingClientRect().top))"
    ink = page.find_element(By.TAG_NAME, "body").value_of_css_property("color")
    told = read(page, cut_off), read(page, f"new Set({rows}).size === {rows}.length"), ink
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert told == ("0", "True", "rgba(27, 28, 38, 1)")


def test_what_is_broken_is_where_it_opens(page: Chrome, tmp_path: Path) -> None:
    sized(page, DESKTOP)
    lines = (FLOW / "frames.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "frames.jsonl"
    path.write_bytes(b"".join([*lines[:8], *lines[9:]]))
    opened(page, written(tmp_path, render_viewer(viewed_runs(path, broken_clauses), "broken")))

    assert "order.seq-gapless seq 8 is missing" in read(page, DETAIL).replace("\n", " ")
    press(page, "g", "g")
    assert "order.previous-earlier" in read(page, DETAIL)


def test_two_runs_are_seen_side_by_side(page: Chrome, tmp_path: Path) -> None:
    sized(page, DESKTOP)
    lines = (FLOW / "frames.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "frames.jsonl"
    path.write_bytes(b"".join([*lines[:18], *lines[19:]]).replace(b'"chunk":" lamp"', b'"chunk":" bulb"', 1))
    runs = [viewed_runs(one)[0] for one in (FLOW, path)]
    page.get("about:blank")
    page.get(written(tmp_path, render_beside(runs[0], runs[1], "two")))
    until(page, "document.querySelector('.pair.selected')")
    pair = "document.querySelector('.pair.selected')"

    assert "1 changed" in read(page, "document.querySelector('.facts').innerText")
    assert "1 missing" in read(page, "document.querySelector('.facts').innerText")
    assert "frames are equal" in read(page, "document.querySelector('.list').innerText")
    named = "document.querySelector('[role=grid]').getAttribute('aria-activedescendant')"
    assert read(page, f"document.getElementById({named}) === {pair}") == "True"
    kinds = set()
    for _ in range(2):
        kinds.add(read(page, f"{pair}.className.split(' ')[1]"))
        if "changed" in read(page, f"{pair}.className"):
            change = read(page, "document.querySelector('.change').innerText")
            assert change.split() == ["chunk", "lamp", "bulb"]
        press(page, "n")
        page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert kinds == {"changed", "missing"}
    press(page, "d")
    until(page, "!document.querySelector('.gapped')")

    press(page, "/")
    page.switch_to.active_element.send_keys("bulb")
    until(page, "document.querySelectorAll('.pair').length === 1")
    assert read(page, "document.querySelector('.pair mark').innerText") == "bulb"
    page.switch_to.active_element.send_keys(Keys.ENTER)
    press(page, Keys.ESCAPE)
    assert "changed" in read(page, f"{pair}.className")
    for channel in (1, 2):
        page.find_elements(By.CSS_SELECTOR, ".channels button")[channel - 1].click()
        shown = "[...document.querySelectorAll('.cell b')].map((one) => one.innerText.split('_')[0])"
        until(page, f"!{shown}.includes('{['flow', 'llm'][channel - 1]}')")
    assert complaints(page) == []


class Long(BaseLLM):
    def generate(self, request):  # type: ignore[no-untyped-def]
        for number in range(int(request.messages[-1].content)):
            yield TextDelta("word\n" if number % 9 == 0 else "word ")
        yield Finish("stop")


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_timeline_stays_smooth(page: Chrome, tmp_path: Path, count: int) -> None:
    """Few lines are in the document, and each key is answered within a fifth of a second, mostly within a frame or two."""
    sized(page, DESKTOP)
    frames: list[StreamFrame] = list(Long("long-1").stream_events(str(count)))
    opened(page, written(tmp_path, render_viewer([ViewedRun("long", frames)], "long")))
    press(page, Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    taken = page.execute_async_script(
        """
        const done = arguments[0], taken = [];
        const keys = [..."jjjt+++]]o0ot", "End", "PageUp", "Home", "PageDown"];
        (function next() {
          const key = keys.shift();
          if (!key) return done(taken.sort((one, other) => one - other));
          const begun = performance.now();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          requestAnimationFrame(() => setTimeout(() => { taken.push(performance.now() - begun); next(); }));
        })();
        """
    )

    assert len(frames) == count + 2
    assert f"{count + 2:,} frames" in read(page, "document.querySelector('.facts').textContent")
    assert int(read(page, LINES)) < 100
    assert len(taken) == 17
    assert taken[len(taken) // 2] < 100
    assert taken[-1] < 1_000
