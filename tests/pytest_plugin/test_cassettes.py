"""Claims about the plugin's fixtures `cassette` and `recording`, each seen in a pytest of its own."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest
from msgspec.structs import replace

from harness.recording import Redactor, WireRequest as TapeRequest
from harness.recording.pack import pack
from harness.recording.vcr_config import filtering
from harness.shipped import shipped_recording
from tests.pytest_plugin.conftest import InnerRun
from tests.recording.redact.planted_secrets import opaque
from tests.recording.support.asking_subject import record_interview
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import Completion, Scenario
from tests.servers.scripted_server import Asked
from tests.servers.wire_server import WireRequest, WireResponse

pytest_plugins = ["pytester"]

ANSWER = "The harbour is calm tonight, and every boat is home."

SHIPPED = f"""
import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_answers(cassette):
    assert answer().result == {ANSWER!r}
"""


#: A library may be patched for one test, by its transport or where a connection is made; then comes one of ours.
BESIDE_OTHERS = """
import httpx, httpx2, pytest, vcr
from calls import answer

@pytest.fixture
def transport(monkeypatch):
    for library in httpx, httpx2:
        monkeypatch.setattr(library.HTTPTransport, "handle_request", lambda self, request: library.Response(200))

@pytest.fixture
def connection(tmp_path):
    with vcr.use_cassette(tmp_path / "theirs.yaml"):
        yield

def test_of_theirs(OTHER, frames): pass

@pytest.mark.cassette("openai/text")
def test_of_ours(): assert answer().result
"""


@pytest.mark.parametrize("other", ["transport", "connection"])
def test_a_cassette_answers_after_others_have_patched_a_library(other: str, started: InnerRun) -> None:
    started(plugins=("syrupy",), test_it=BESIDE_OTHERS.replace("OTHER", other)).assert_outcomes(passed=2)


def test_ones_own_cassette_comes_before_a_shipped_recording_of_its_name(
    inner: InnerRun, pytester: pytest.Pytester
) -> None:
    own = pytester.mkdir("cassettes") / "openai" / "text.yaml"
    own.parent.mkdir()
    shipped = shipped_recording("openai/text") / "cassette.yaml"
    own.write_text(shipped.read_text().replace("harbour is calm", "harbour's calm").replace('"harbour', '"harbour'))
    own.write_text(own.read_text().replace("How is the harbour tonight?", "How is my harbour tonight?"))
    source = SHIPPED.replace("answer().result", "answer('How is my harbour tonight?').result")
    inner(test_it=source).assert_outcomes(passed=1)


VCR_CONFIG = """
import pytest

@pytest.fixture(scope="session")
def vcr_config():
    return {config}
"""


@pytest.mark.parametrize(
    ("config", "outcome", "told"),
    [
        ({"cassette_library_dir": "tapes"}, {"passed": 1}, None),
        ({"cassette_library_dir": "elsewhere"}, {"errors": 1}, "*elsewhere*"),
        ({"cassette_library_dir": "tapes", "record_mode": "sometimes"}, {"errors": 1}, "*record_mode of vcr_config is 'sometimes'*"),
        ({"cassette_library_dir": "tapes", "match_on": ["uri"], "allow_playback_repeats": True}, {"passed": 1}, "*allow_playback_repeats, match_on has no*"),
        ({"cassette_library_dir": "tapes", "match_on": ["uri", "body"], "serializer": "json"}, {"passed": 1}, "*vcr_config: serializer has no effect*"),
        ({"cassette_library_dir": "tapes", "filter_headers": "all"}, {"errors": 1}, "*filter_headers of vcr_config is 'all'*"),
        (["tapes"], {"errors": 1}, "*expected a dict of vcrpy's options*"),
    ],
    ids=["a folder", "another folder", "a mode that is none", "less compared", "an option without effect", "a filter that is none", "a list"],
)  # fmt: skip
def test_the_config_of_vcrpys_plugins_is_heard(
    config: Any, outcome: dict[str, int], told: str | None, inner: InnerRun, pytester: pytest.Pytester
) -> None:
    own = pytester.mkdir("tapes") / "mine.yaml"
    own.write_text((shipped_recording("openai/text") / "cassette.yaml").read_text())
    result = inner(conftest=VCR_CONFIG.format(config=config), test_it=SHIPPED.replace("openai/text", "mine"))
    result.assert_outcomes(**outcome)
    if told is not None:
        result.stdout.fnmatch_lines([told])


_FILTERED = {
    "filter_headers": ["X-Ticket", ("x-pass", "no")],
    "filter_query_parameters": ["key", ["sig", None], ("user", "me")],
    "filter_post_data_parameters": ["geheim", ("id", "it")],
}


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        ("application/json; charset=utf-8", '{"geheim": "Quark7", "at": {"geheim": "is told"}}', '{"at": {"geheim": "is told"}}'),
        ("application/x-www-form-urlencoded", "a=1&geheim=Quark7&id=7", "a=1&id=it"),
        ("application/vnd.api+json", '{"geheim": "Quark7", "x": 1}', '{"x": 1}'),
        ("application/json", '["geheim"]', '["geheim"]'),
        ("application/json", '{"geheim"', '{"geheim"'),
    ],
)  # fmt: skip
def test_what_vcrpy_filters_of_requests_is_neither_kept_nor_compared(kind: str, sent: str, kept: str) -> None:
    fields = (("content-type", kind),)
    request = TapeRequest("PUT", "https://x/a?key=Quark7&user=you&x=1", fields, sent.encode())
    without = TapeRequest("PUT", "https://x/a?user=me&x=1", fields, kept.encode())
    assert filtering(Redactor(), _FILTERED).request(request) == without


def test_fields_are_filtered_at_every_depth_where_that_is_asked_for_though_the_header_goes_too() -> None:
    config = {**_FILTERED, "filter_headers": ["content-type"], "filter_nested_post_data_parameters": True}
    request = TapeRequest("POST", "https://x/a", (("content-type", "application/json"),), b'[{"geheim": 7, "x": 1}]')
    assert filtering(Redactor(), config).request(request) == replace(request, headers=(), body=b'[{"x": 1}]')


@pytest.mark.parametrize(("filtered", "outcome"), [("stream_options", {"passed": 1}), ("stream", {"failed": 1})])
def test_a_cassette_is_played_as_it_was_filtered(
    filtered: str, outcome: dict[str, int], inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    config = VCR_CONFIG.format(config={"filter_post_data_parameters": ["stream_options"]})
    inner("--record-mode=once", conftest=config, test_it=LIVE).assert_outcomes(passed=1)
    tape = pytester.path / "cassettes" / "test_it" / "TestIt.test_live[a-b-].yaml"
    assert "stream_options" in provider[0].body
    assert "stream_options" not in tape.read_text()
    inner(conftest=config.replace("stream_options", filtered)).assert_outcomes(**outcome)


OF_ITS_OWN = """
import socket

import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_answers(cassette):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as database:
            assert answer().result
"""


@pytest.mark.parametrize(("ignores", "outcome"), [(True, {"passed": 1}), (False, {"failed": 1})])
def test_a_test_reaches_what_is_its_own_on_this_machine_where_vcr_config_says_so(
    ignores: bool, outcome: dict[str, int], inner: InnerRun
) -> None:
    config = VCR_CONFIG.format(config={"ignore_localhost": ignores})
    inner(conftest=config, test_it=OF_ITS_OWN).assert_outcomes(**outcome)


NAMED_THERE = """
import pytest
from calls import answer

@pytest.mark.parametrize("url", [1, 2], ids=["https://a b", "%s"])
class TestIt:
    def test_it(self, cassette, url):
        answer()
"""


@pytest.mark.parametrize(
    "there",
    ["test_it/TestIt.test_it[https---a b].yaml", "TestIt.test_it[https---a b].yaml", "TestIt.test_it[https:/a b].yaml"],
    ids=["pytest-recording", "in one folder", "pytest-vcr"],
)
def test_a_cassette_that_vcrpys_plugins_have_named_is_found(
    there: str, inner: InnerRun, pytester: pytest.Pytester
) -> None:
    path = pytester.path / "cassettes" / there
    path.parent.mkdir(parents=True)
    shutil.copy(shipped_recording("openai/text") / "cassette.yaml", path)
    result = inner(test_it=NAMED_THERE % ("long" * 100))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["cassette *longlong* is missing*"])


def test_a_marker_may_name_a_file_whole_where_a_walk_would_find_it_and_no_cassette_is_there(
    inner: InnerRun, pytester: pytest.Pytester
) -> None:
    content = (shipped_recording("openai/text") / "cassette.yaml").read_bytes()
    folder = pytester.mkdir("cassettes")
    whole, hidden = ("tides.har", "tides.yaml.gz", "tides.json", "tides"), ("boats", "boats.har", "boats.tar.gz")
    for name in whole:
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    for name in hidden:
        (folder / name).write_text("no cassette")
        (folder / f"{name}.yaml").write_bytes(content)
    marked = [
        f"@pytest.mark.cassette({name!r})\ndef test_{number}(): assert answer().result == {ANSWER!r}"
        for number, name in enumerate((*whole, *hidden, "none.tar.gz", "none.yml.gz", "none.json"))
    ]
    result = inner(test_it="\n".join(["import pytest", "from calls import answer", *marked]))
    result.assert_outcomes(passed=7, errors=3)
    names = ("none.tar.gz.yaml", "none.yml.gz", "none.json")
    missing = [f"cassette '*cassettes/{name}' is missing*" for name in names]
    result.stdout.fnmatch_lines(missing)


UNNAMED = "import pytest\nfrom calls import answer\n\n@pytest.mark.cassette\ndef test_it(): assert answer().result\n"


def test_a_cassette_that_may_be_of_another_modules_test_is_not_recorded_over(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    theirs, own = (pytester.path / "cassettes" / name for name in ("test_it.yaml", "test_it/test_it.yaml"))
    theirs.parent.mkdir()
    shutil.copy(shipped_recording("openai/text") / "cassette.yaml", theirs)
    before = theirs.read_bytes()
    inner("--record-mode=once", test_it=UNNAMED).assert_outcomes(passed=1)
    inner("--record-mode=all", test_it=UNNAMED).assert_outcomes(passed=1)
    assert (len(provider), theirs.read_bytes(), own.exists()) == (1, before, True)


def test_a_marker_without_a_name_is_of_the_tests_own_cassette(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    inner("--record-mode=once", test_it=UNNAMED).assert_outcomes(passed=1)
    assert (pytester.path / "cassettes" / "test_it" / "test_it.yaml").exists()
    inner(test_it=UNNAMED).assert_outcomes(passed=1)
    assert len(provider) == 1


def test_a_marker_that_names_no_cassette_is_refused(inner: InnerRun) -> None:
    given = {"'a', 'b'": "'a', 'b'", "7": "7", "'a', record_mode='once'": "'a', record_mode"}
    marked = [f"@pytest.mark.cassette({one})\ndef test_{number}(): pass" for number, one in enumerate(given)]
    result = inner(test_it="\n".join(["import pytest", *marked]))
    result.assert_outcomes(errors=3)
    refused = "*takes one name*, or none, not {}; the fixture vcr_config has options"
    result.stdout.fnmatch_lines([refused.format(told) for told in given.values()])


def test_a_coroutine_under_pytest_asyncio_is_answered_without_a_key(
    inner: InnerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    source = f"""
import pytest
from harness import LLM

@pytest.mark.asyncio
@pytest.mark.cassette("openai/text")
async def test_answers(cassette):
    session = LLM("openai/gpt-4o-mini").astream("How is the harbour tonight?")
    frames = [frame async for frame in session.events]
    assert frames and session.result == {ANSWER!r}
"""
    scope = "asyncio_default_fixture_loop_scope=function"
    inner("-o", scope, plugins=("pytest_asyncio.plugin",), test_it=source).assert_outcomes(passed=1)


ASKS = """
import pytest
from tests.recording.support.asking_subject import Interview

@pytest.mark.cassette("interview")
def test_asks(cassette):
    assert Interview().kickoff() == "['Ann', 'Bo', None]: Yes, it is"

@pytest.mark.asyncio
@pytest.mark.cassette("interview")
async def test_asks_in_a_loop(cassette):
    assert await Interview().kickoff_async() == "['Ann', 'Bo', None]: Yes, it is"
"""


@pytest.mark.parametrize("packed", [False, True], ids=["a folder", "a pack"])
def test_what_a_recorded_run_asked_a_person_is_answered_as_then(
    packed: bool, inner: InnerRun, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pytester.mkdir("cassettes")
    record_interview(folder / "interview", monkeypatch)
    options = ["-o", "asyncio_default_fixture_loop_scope=function"]
    if packed:
        pack(folder, pytester.path / "tapes.pack")
        shutil.rmtree(folder)
        options += ["--recordings", "tapes.pack"]
    inner(*options, plugins=("pytest_asyncio.plugin",), test_it=ASKS).assert_outcomes(passed=2)


def test_workers_of_xdist_are_answered_each(inner: InnerRun) -> None:
    many = SHIPPED.replace(
        "def test_answers(cassette)", "@pytest.mark.parametrize('n', range(4))\ndef test_answers(n, cassette)"
    )
    result = inner("-n", "2", plugins=("xdist.plugin",), test_it=many)
    result.assert_outcomes(passed=4)


def test_a_request_that_none_answers_fails_the_test_though_its_error_was_caught(inner: InnerRun) -> None:
    source = """
import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_it(cassette):
    try:
        answer('Another?')
    except Exception:
        answer()
"""
    result = inner(test_it=source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*matches none of 1*record it again with --record-mode all*"])


UNPLAYED = """
import pytest, unittest
from calls import answer

@pytest.fixture
def answered_at_the_end():
    yield
    answer()

@pytest.mark.cassette("openai/text")
def test_one_that_asks_when_it_is_taken_down(answered_at_the_end): pass

@pytest.fixture
def failing(cassette):
    raise OSError("no room")

@pytest.mark.cassette("openai/text")
def test_one_that_never_began(failing): pass

@pytest.mark.cassette("openai/text")
def test_one_that_asks_for_nothing(cassette): pass

@pytest.mark.cassette("openai/text")
def test_one_that_is_skipped(cassette): pytest.skip("not today")

@pytest.mark.cassette("openai/text")
class TestOfUnittest(unittest.TestCase):
    def test_one_that_is_skipped(self): self.skipTest("not today")
    def test_one_that_asks_when_it_is_taken_down(self): self.addCleanup(answer)
"""


def test_what_nobody_has_asked_for_when_all_is_taken_down_is_an_error(inner: InnerRun) -> None:
    result = inner(test_it=UNPLAYED)
    result.assert_outcomes(passed=3, skipped=2, errors=2)
    # The errors themselves; where a CI is announced, the summary has pytest repeat them in full.
    assert sum(line.startswith("cassette '") for line in result.outlines) == 1
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_one_that_asks_for_nothing*",
            "cassette * and the test do not fit:",
            "*unplayed: POST https://api.openai.com/v1/chat/completions*",
        ]
    )


def test_a_test_whose_parameters_are_long_has_a_file_of_its_own(inner: InnerRun, pytester: pytest.Pytester) -> None:
    source = """
import pytest

@pytest.mark.parametrize("question", ["港は静かですか" * 10 + end for end in "ab"])
def test_it(cassette, question):
    pass
"""
    inner("--record-mode", "once", test_it=source).assert_outcomes(passed=2)
    assert len(list((pytester.path / "cassettes" / "test_it").iterdir())) == 2
    inner(test_it=source).assert_outcomes(passed=2)


def test_what_the_machine_says_of_providers_keeps_no_test_from_its_cassette(
    started: InnerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    source = f"""
import os
import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_answers(monkeypatch, cassette):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert answer().result == {ANSWER!r}

@pytest.mark.cassette("openai/text")
def test_answers_elsewhere(cassette):
    assert answer().result == {ANSWER!r}

@pytest.fixture
def own(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://own.example")

@pytest.mark.cassette("openai/text")
@pytest.mark.xfail(reason="goes where the fixture says", strict=True)
def test_with_an_address_of_its_own(own, cassette):
    answer()

def test_after_them():
    assert os.environ["OPENAI_BASE_URL"] == "http://127.0.0.1:9"

@pytest.fixture(scope="module")
def whole():
    yield
    assert os.environ["OPENAI_BASE_URL"] == "http://127.0.0.1:9"

@pytest.mark.cassette("openai/text")
def test_in_which_more_ends_than_itself(monkeypatch, whole, cassette):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert answer().result == {ANSWER!r}
"""
    started(test_it=source).assert_outcomes(passed=4, xfailed=1)


def test_a_key_among_the_parameters_is_in_the_name_of_no_file(inner: InnerRun, pytester: pytest.Pytester) -> None:
    source = """
import os

import pytest

@pytest.mark.parametrize("key", [os.environ["OPENAI_API_KEY"]])
def test_it(cassette, key):
    pass
"""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_API_KEY", f"sk-proj-{opaque('parameter', 48)}")
        inner("--record-mode", "once", test_it=source).assert_outcomes(passed=1)
        environment.setenv("OPENAI_API_KEY", f"sk-proj-{opaque('another', 40)}")
        inner(test_it=source).assert_outcomes(passed=1)
    assert [path.name for path in (pytester.path / "cassettes" / "test_it").iterdir()] == ["test_it[sk-proj--].yaml"]


def test_a_failure_of_the_test_itself_is_what_is_told(inner: InnerRun) -> None:
    result = inner(test_it=SHIPPED.replace("assert", "assert not"))
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*do not fit*")


@pytest.mark.parametrize("fixture", ["frames", "recording"])
def test_the_network_is_blocked_where_no_tape_runs(inner: InnerRun, fixture: str) -> None:
    source = f"""
import pytest
from calls import answer
from harness.errors import HarnessError

@pytest.mark.parametrize("recording", ["openai/text"], indirect=True)
def test_it({"frames, " if fixture == "frames" else ""}recording):
    with pytest.raises(HarnessError, match="network is blocked"):
        answer()
"""
    result = inner(plugins=("syrupy",), test_it=source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the test reached for the network*",
            "  POST https://api.openai.com/* was about to leave at httpx*/_client.py:* in gpt-4o-mini while *",
        ]
    )


REACHING = """
import contextlib, pytest, socket

def reach():
    with contextlib.suppress(BaseException):
        socket.getaddrinfo("provider.invalid", 443)

@pytest.fixture
def before(_offline):
    reach()

@pytest.fixture
def after(_offline):
    yield
    reach()

def test_within(frames): reach()
def test_with_one_before(before): pass
def test_with_one_after(after): pass
def test_that_fails_itself(frames):
    reach()
    assert False, "of its own"
def test_without(frames): pass
"""


def test_an_attempt_to_reach_the_network_fails_the_test_that_swallowed_it(inner: InnerRun) -> None:
    result = inner(plugins=("syrupy",), test_it=REACHING)
    result.assert_outcomes(passed=2, failed=3, errors=1)
    result.stdout.fnmatch_lines(
        [
            "PASSED test_it.py::test_with_one_after",
            "PASSED test_it.py::test_without",
            "ERROR test_it.py::test_with_one_after - *beside the test*",
            "FAILED test_it.py::test_within - *the test reached*",
            "FAILED test_it.py::test_with_one_before - *the test reached*",
            "FAILED test_it.py::test_that_fails_itself - AssertionError: of its own",
        ]
    )
    result.stdout.fnmatch_lines(["  the name 'provider.invalid' was about to be looked up at test_it.py:5 while *"])


RUN_AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_a_test_that_is_run_again_fails_again(inner: InnerRun) -> None:
    result = inner(plugins=("syrupy",), conftest=RUN_AGAIN, test_it=REACHING)
    result.assert_outcomes(passed=2, failed=3, errors=1)
    result.stdout.fnmatch_lines_random(
        ["FAILED test_it.py::test_within - *", "ERROR test_it.py::test_with_one_after - *"]
    )


def test_a_missing_cassette_is_an_error_that_names_it_in_one_line(inner: InnerRun) -> None:
    result = inner(test_it=SHIPPED.replace("openai/text", "openai/never"))
    result.assert_outcomes(errors=1)
    told = [line for line in result.outlines if "is missing: no file at" in line]
    assert "or record it with --record-mode once" in told[0]
    assert not [line for line in result.outlines if line.startswith("E  ")]


def test_recording_is_loaded_by_marker_and_by_name(inner: InnerRun) -> None:
    source = """
import pytest

@pytest.mark.cassette("openai/text")
def test_marked(recording):
    assert recording.about.providers == ("openai",)
    assert [frame.seq for frame in recording.frames] == list(range(1, len(recording.frames) + 1))

@pytest.mark.parametrize("recording", ["openai/text", "openai/truncated"], indirect=True)
def test_named(recording):
    assert recording.frames and recording.cassette.exists()

def test_unnamed(recording): pass

@pytest.mark.cassette("openai/nowhere")
def test_unknown(recording): pass
"""
    result = inner(test_it=source)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*which recording?*", "*there is no recording 'openai/nowhere'*"])


class Calm(OpenAIChatServer):
    """Says the same to whatever it is asked."""

    def answer(self, request: WireRequest) -> WireResponse:
        (message,) = json.loads(request.body)["messages"]
        self.scenarios = {"calm": Scenario(message["content"], (Completion("Calm."),))}
        return super().answer(request)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Asked]]:
    """What a provider on loopback was asked; inner tests find it by OPENAI_BASE_URL."""
    with Calm() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.origin}/v1")
        yield server.requests


LIVE = """
import pytest
from calls import answer

class TestIt:
    @pytest.mark.parametrize("question", ["a/b?"])
    def test_live(self, cassette, question):
        assert answer(question).result == "Calm."
"""


@pytest.mark.parametrize(("mode", "asked_at_last"), [("once", 1), ("new", 1), ("all", 2)], ids=["once", "new", "all"])
def test_what_was_recorded_is_played(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked], mode: str, asked_at_last: int
) -> None:
    inner("--record-mode", mode, test_it=LIVE).assert_outcomes(passed=1)
    tape = pytester.path / "cassettes" / "test_it" / "TestIt.test_live[a-b-].yaml"
    assert "sk-none" not in tape.read_text()
    inner(test_it=LIVE).assert_outcomes(passed=1)
    assert len(provider) == 1
    inner("--record-mode", mode, test_it=LIVE).assert_outcomes(passed=1)
    assert len(provider) == asked_at_last


ENDING = """
import pytest
from calls import answer

def test_live(cassette, subtests):
    answer("The one?")
    {end}
    answer("The two?")
"""


@pytest.mark.parametrize(
    ("mode", "end", "left"),
    [
        ("once", "raise KeyboardInterrupt", ""),
        ("once", "assert False", "one"),
        ("all", "raise KeyboardInterrupt", "one, two"),
        ("all", "assert False", "one, two"),
        ("all", "with subtests.test(): assert False\n    return", "one, two"),
        ("all", "with subtests.test(): pass\n    raise KeyboardInterrupt", "one, two"),
        ("all", "pytest.xfail('today')", "one"),
    ],
)
def test_a_test_that_did_not_end_well_leaves_what_stands(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked], mode: str, end: str, left: str
) -> None:
    if mode == "all":
        inner("--record-mode", "once", test_it=ENDING.format(end="")).assert_outcomes(passed=1)
    result = inner("--record-mode", mode, test_it=ENDING.format(end=end))
    tape = pytester.path / "cassettes" / "test_it" / "test_live.yaml"
    text = tape.read_text() if tape.exists() else ""
    assert ", ".join(word for word in ("one", "two") if f"The {word}?" in text) == left
    if (mode, end) == ("all", "assert False"):
        result.stdout.fnmatch_lines(
            ["cassette *stays as it was: the run failed now; *'test_live.yaml.partial' beside it"]
        )


@pytest.mark.parametrize("mode", ["once", "all"])
def test_a_test_that_is_skipped_records_nothing(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked], mode: str
) -> None:
    tape = pytester.path / "cassettes" / "test_it" / "test_live.yaml"
    source = "def test_live(cassette):\n    import pytest\n    pytest.skip('no key')\n"
    inner("--record-mode", mode, test_it=source).assert_outcomes(skipped=1)
    assert list(tape.parent.iterdir()) == []
    inner("--record-mode", mode, test_it=ENDING.format(end="")).assert_outcomes(passed=1)
    inner("--record-mode", mode, test_it=source).assert_outcomes(skipped=1)
    assert "The two?" in tape.read_text()


def test_two_tests_that_have_one_name_as_files_do_not_record_over_each_other(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    source = LIVE.replace('"a/b?"', '"a/b?", "a b!", "a/b!", "a b?"')
    result = inner("--record-mode", "all", test_it=source)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["cassette '*a-b!*' has just been recorded by *TestIt::test_live*a b!*: *the marker cassette"]
    )
    played = LIVE.replace('"a/b?"', '"a/b?", "a b?"').replace("answer(question)", "answer('a/b?')")
    inner("--record-mode", "new", test_it=played).assert_outcomes(passed=2)
    assert len(provider) == 2


def test_a_first_recording_that_got_no_answer_is_made_again_and_the_run_says_so(
    inner: InnerRun, provider: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as nobody:
        nobody.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        nobody.setenv("OPENAI_MAX_RETRIES", "0")
        inner("--record-mode=once", test_it=LIVE).assert_outcomes(failed=1)
    again = inner("--record-mode=once", "-n1", plugins=("xdist.plugin",), test_it=LIVE)
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["*is recorded again: when it was recorded, POST http://127.0.0.1:*"])
    third = inner("--record-mode=once", test_it=LIVE)
    third.assert_outcomes(passed=1)
    third.stdout.no_fnmatch_line("*recorded again*")
    assert len(provider) == 1


def test_recordings_elsewhere_are_recorded_and_found_there(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    named = LIVE.replace("    @", '    @pytest.mark.cassette("shared/calm")\n    @')
    inner("--record-mode=once", "--recordings=elsewhere", test_it=named).assert_outcomes(passed=1)
    assert (pytester.path / "elsewhere" / "shared" / "calm.yaml").exists()
    inner("--recordings=elsewhere", test_it=named).assert_outcomes(passed=1)
    assert len(provider) == 1


def test_nothing_of_an_installed_recording_is_written_to(
    inner: InnerRun, pytester: pytest.Pytester, provider: list[Asked]
) -> None:
    shipped = shipped_recording("openai/text") / "cassette.yaml"
    before = shipped.read_bytes()
    inner("--record-mode=all", test_it=SHIPPED.replace(repr(ANSWER), "'Calm.'")).assert_outcomes(passed=1)
    assert shipped.read_bytes() == before
    assert (pytester.path / "cassettes" / "openai" / "text.yaml").exists()


@pytest.mark.parametrize("mode", ["new", "all"])
def test_a_whole_recording_is_played_in_every_mode_and_stays_as_it_is(
    inner: InnerRun, pytester: pytest.Pytester, mode: str
) -> None:
    """Its frames would not fit to other traffic; the run says what makes it again."""
    own = pytester.mkdir("cassettes") / "mine"
    shutil.copytree(shipped_recording("openai/text"), own)
    before = (own / "cassette.yaml").read_bytes()
    result = inner("--record-mode", mode, test_it=SHIPPED.replace("openai/text", "mine"))
    result.assert_outcomes(passed=1)
    told = f"*'cassettes/mine' was played: *harness record * -o cassettes/mine --mode {mode}"
    result.stdout.fnmatch_lines([told])
    assert (own / "cassette.yaml").read_bytes() == before


def test_a_whole_recording_that_does_not_fit_is_told_with_the_command_that_makes_it_again(
    inner: InnerRun, pytester: pytest.Pytester
) -> None:
    shutil.copytree(shipped_recording("openai/text"), pytester.mkdir("cassettes") / "mine")
    source = SHIPPED.replace("openai/text", "mine")
    unplayed = inner(test_it=source.replace("answer().result == ", "'' != "))
    command = "record it again with harness record harness.shipped.targets:openai.text -o cassettes/mine --mode"
    unplayed.stdout.fnmatch_lines(
        ["cassette 'cassettes/mine/cassette.yaml' and the test do not fit:", f"{command} all"]
    )
    other = inner(test_it=source.replace("answer()", "answer('Another?')"))
    other.stdout.fnmatch_lines([f"*{command} all"])


NO_RECORDING = """
import pytest

@pytest.mark.cassette("mien")
def test_it(recording):
    pass
"""


def test_a_recording_that_is_not_there_is_told_in_one_line(inner: InnerRun, pytester: pytest.Pytester) -> None:
    shutil.copytree(shipped_recording("openai/text"), pytester.mkdir("cassettes") / "mine")
    result = inner(test_it=NO_RECORDING)
    result.assert_outcomes(errors=1)
    told = "there is no recording 'mien' in 'cassettes' (did you mean 'mine'?)*"
    result.stdout.fnmatch_lines([told])
    (pytester.path / "cassettes").rename(pytester.path / "elsewhere")
    (pytester.path / "cassettes").symlink_to("elsewhere")
    inner().stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("E  *")


def test_the_plugin_is_found_by_its_entry_point_and_starts_light(started: InnerRun) -> None:
    declared = metadata.distribution("stream-harness").entry_points.select(group="pytest11")
    assert [(one.name, one.value) for one in declared] == [("stream-harness", "harness.pytest_plugin")]
    source = """
import sys

def test_start():
    ours = {name for name in sys.modules if name.partition(".")[0] in ("harness", "conformance")}
    assert {name for name in ours if not name.startswith("harness.pytest_plugin.")} == {
        "harness",
        "harness.lazy_names",
        "harness.pytest_plugin",
    }
    assert not {"pydantic", "vcr", "syrupy", "openai", "click", "rich", "yaml"} & set(sys.modules)
"""
    started(test_it=source).assert_outcomes(passed=1)


def test_tests_that_are_only_collected_load_no_library(started: InnerRun) -> None:
    tells = "import sys\n\ndef pytest_unconfigure(): print('httpx' in sys.modules)"
    source = "import pytest\n\n@pytest.mark.cassette\ndef test_it(): pass\n"
    started("--collect-only", conftest=tells, test_it=source).stdout.fnmatch_lines(["False"])


#: As pytest-recording declares it.
ANOTHER_PLUGIN = """
def pytest_addoption(parser):
    modes = ["once", "new_episodes", "none", "rewrite", "all"]
    parser.getgroup("recording").addoption("--record-mode", default=None, choices=modes)
"""


@pytest.mark.parametrize(
    ("plugins", "given", "mode"),
    [
        (("pytest_recording",), (), "none"),
        (("pytest_recording",), ("--record-mode", "new_episodes"), "new"),
        (("pytest_recording",), ("--record-mode", "rewrite"), "all"),
        (("no:recording",), ("--record-mode", "new"), "new"),
    ],
    ids=["by default", "new", "all", "blocked"],
)
def test_the_option_of_pytest_recording_is_shared(
    inner: InnerRun, plugins: tuple[str, ...], given: tuple[str, ...], mode: str
) -> None:
    tells = "def test_mode(pytestconfig):\n    from harness.pytest_plugin.options import mode_of\n    print('mode', mode_of(pytestconfig))"
    result = inner(*given, plugins=plugins, pytest_recording=ANOTHER_PLUGIN, test_it=tells)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"mode {mode}"])
