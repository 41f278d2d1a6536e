"""What a project says of when two requests are the same."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from harness.errors import TransportFault, UsageError
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.redact.redaction import Redactor
from harness.recording.settings import Settings, current_settings, extended
from harness.recording.tape.match import InteractionIndex
from harness.recording.tape.request_key import Matching
from harness.recording.tape.tape import open_tape
from harness.recording.wire import Interaction, WireRequest
from tests.recording.support.exchanges import told

URL = "https://api.openai.com/v1/chat/completions"


def asked(content: str = "At 10:31, hello", run: str = "r1", tenant: str = "a") -> WireRequest:
    sent = {"messages": [{"id": run, "content": content}, {"id": run, "content": "Go."}], "metadata": {"run": run}}
    return WireRequest("POST", URL, (("X-Tenant", tenant),), orjson.dumps(sent))


def of_one_tenant(request: WireRequest) -> WireRequest:
    return replace(request, url=request.url.replace("eu.", ""))


def failing(request: WireRequest) -> WireRequest:
    raise KeyError("run")


def leaving(request: WireRequest) -> WireRequest:
    sys.exit(0)


def forgetful(request: WireRequest) -> None: ...


IGNORING = Settings(match_ignore=("$..id", "metadata.run"))
NORMAL = Settings(match_normalize={"messages[*].content": r"\d\d:\d\d"})
OWN = Settings(match_by=(f"{__name__}:of_one_tenant",))
ELSEWHERE = replace(asked(), url=URL.replace("api.", "api.eu."))

SAME = [
    pytest.param(IGNORING, asked(run="r2"), id="ignored fields"),
    pytest.param(Settings(match_ignore=("$",)), asked("Bye", "r2"), id="the whole body"),
    pytest.param(NORMAL, asked("At 23:59, hello"), id="normalised text"),
    pytest.param(OWN, ELSEWHERE, id="a function"),
    pytest.param(Settings(), asked(tenant="b"), id="headers that nobody named"),
    pytest.param(
        Settings(match_headers=("x-tenant",), secret_names=("X-Tenant",)), asked(tenant="b"), id="a secret header"
    ),
]
DIFFERENT = [
    pytest.param(Settings(), asked(run="r2"), "body differs at messages[0].id", id="fields that nobody named"),
    pytest.param(IGNORING, asked("Bye"), "body differs at messages[0].content", id="beside ignored fields"),
    pytest.param(NORMAL, asked("At 23:59, bye"), "body differs at messages[0].content", id="beside normalised text"),
    pytest.param(Settings(match_headers=("x-tenant",)), asked(tenant="b"), "headers differs", id="a header"),
    pytest.param(OWN, replace(asked(), method="PUT"), "method differs", id="beside a function"),
]


@pytest.mark.parametrize(("settings", "sent"), SAME)
def test_what_is_not_compared_makes_no_difference(settings: Settings, sent: WireRequest) -> None:
    recorded = Interaction(asked(), told())
    assert InteractionIndex([recorded], matching=Matching.of(settings)).take(sent) is recorded


@pytest.mark.parametrize(("settings", "sent", "difference"), DIFFERENT)
def test_what_is_compared_does_and_is_told(settings: Settings, sent: WireRequest, difference: str) -> None:
    index = InteractionIndex([Interaction(asked(), told())], matching=Matching.of(settings))
    assert index.take(sent) is None
    nearest = index.nearest(sent)
    assert nearest is not None
    assert difference in nearest.difference


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(match_ignore=("$[",)), r"^--ignore, .*: '\$\[' is no JSON path: [^\n]+; write it as"),
        (Settings(match_normalize={"$.a": "("}), r"^--normalize, or .*: '\(' is no regular expression"),
        (Settings(match_by=("leaves",)), "^--match-by, or .*: 'leaves' is no function; expected module:function"),
        (Settings(match_by=("nowhere_at_all:key",)), "can't be imported"),
        (Settings(match_by=(f"{__name__}:URL",)), "is no function"),
        (Settings(match_by=("leaves:key",)), "can't be imported: SystemExit: 0"),
    ],
)
def test_a_setting_that_says_nothing_is_refused_where_a_tape_opens(
    settings: Settings, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaves.py").write_text("import sys; sys.exit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    write_cassette(tmp_path / "cassette.yaml", [Interaction(asked(), told())])
    with extended(settings), pytest.raises(UsageError, match=message):
        open_tape(tmp_path / "cassette.yaml", "none").__enter__()


@pytest.mark.parametrize("name", ["failing", "leaving", "forgetful"])
def test_a_function_that_fails_is_told_as_such(name: str) -> None:
    with pytest.raises(UsageError, match="match_by"):
        Matching.of(Settings(match_by=(f"{__name__}:{name}",))).key(asked())


def test_a_tape_goes_by_the_project_and_by_what_a_command_adds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nmatch_ignore = ["$..id"]\nkeep_headers = ["x-cost"]\n')
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cassette.yaml"
    with open_tape(path, "once", redactor=Redactor()) as tape:
        take = tape.begin(asked())
        take.responded(200, "OK", (("X-Cost", "3"), ("X-Other", "4")))
        take.ended("complete")
    (taken,) = read_cassette(path)
    assert taken.response.headers == (("X-Cost", "3"),)
    with extended(Settings(match_ignore=("metadata",))):
        assert current_settings().match_ignore == ("$..id", "metadata")
        with open_tape(path, "none") as tape:
            assert tape.answer(asked(run="r2")) is not None
    with open_tape(path, "none") as tape, pytest.raises(TransportFault):
        tape.answer(asked(run="r2"))


def test_a_run_that_goes_to_another_folder_is_recorded_and_compared_by_its_project(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.harness]\nkeep_headers = ["x-cost"]\nmatch_headers = ["x-tenant"]\n'
    )
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = tmp_path / "cassette.yaml"
    monkeypatch.chdir(tmp_path)
    with open_tape(path, "once") as tape:
        monkeypatch.chdir(elsewhere)
        take = tape.begin(asked(tenant="a"))
        take.responded(200, "OK", (("X-Cost", "3"),))
        take.ended("complete")
    (taken,) = read_cassette(path)
    assert taken.response.headers == (("X-Cost", "3"),)
    monkeypatch.chdir(tmp_path)
    with open_tape(path, "none") as tape:
        monkeypatch.chdir(elsewhere)
        with pytest.raises(TransportFault, match="headers differs"):
            tape.answer(asked(tenant="b"))
        assert tape.answer(asked(tenant="a")) == taken.response
