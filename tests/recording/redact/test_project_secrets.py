"""A project names secrets of its own: by the field that they stand under, and by their form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.recording.redact.leaks import leaks_in_interaction, leaks_in_json
from harness.recording.redact.redaction import Redactor
from harness.recording.settings import project_settings
from harness.recording.wire import Ending, Interaction, WireRequest, WireResponse
from tests.commands.command_line import Run, runner

SETTINGS = """
[tool.harness]
secret_names = ["X-Internal-Ticket"]
secret_patterns = ['acme/(?P<secret>[0-9]{6})', 'TICKET[a-z]+']
keep_headers = ["x-acme-", "cookie", "x-internal-ticket", "x-tenant-token"]
match_headers = ["x-tenant-token"]
"""

#: What is written, and what of it stays.
TEXTS = {
    "x_internal_ticket = 'blue-boat-seven'": "x_internal_ticket = '***************'",
    "X-Internal-Ticket: blue7boat": "X-Internal-Ticket: *********",
    "https://example.com/?x-internal-ticket=blue": "https://example.com/?x-internal-ticket=****",
    "see acme/123456 there": "see acme/****** there",
    "it is TICKETxyz, no TICKET": "it is *********, no TICKET",
    "the internal ticket is blue": "the internal ticket is blue",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    return tmp_path


@pytest.mark.parametrize(("text", "clean"), TEXTS.items())
def test_what_a_project_names_is_blotted_there_and_nowhere_else(
    text: str, clean: str, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert Redactor().text(text) == clean
    assert Redactor().payload({"a": text}) == {"a": clean}
    assert any(leaks_in_json(json.dumps({"a": text}))) == (clean != text)
    assert not any(leaks_in_json(json.dumps({"a": clean})))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert Redactor().text(text) == text


def test_a_field_of_a_name_that_a_project_adds_is_blotted(project: Path) -> None:
    assert Redactor().payload({"xInternalTicket": "blue", "ticket": "red"}) == {
        "xInternalTicket": "****",
        "ticket": "red",
    }


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("x-acme-token", "a7wJuZMhc76RpqwmSCb1", "********************"),
        ("X-Acme-Api-Key", "blue-boat-seven", "***************"),
        ("x-acme-secret", "Bearer blue", "Bearer ****"),
        ("x-tenant-token", "a7wJuZMhc76RpqwmSCb1", "********************"),
        ("x-internal-ticket", "blue", "****"),
        ("cookie", "session=blue", "************"),
        ("x-acme-token", "none", "none"),
        ("x-acme-cost", "0.25", "0.25"),
        ("x-acme-max-tokens", "a7wJuZMhc76RpqwmSCb1", "a7wJuZMhc76RpqwmSCb1"),
    ],
)
def test_a_credential_in_a_header_that_a_project_keeps_is_blotted(
    name: str, value: str, kept: str, project: Path
) -> None:
    sent = WireRequest("GET", "https://example.com/", ((name, value),), b"")
    got = WireResponse(200, "OK", ((name, value),), b"", (), Ending("complete", None, 1.0), ())
    clean = Interaction(Redactor().request(sent), Redactor().response(got))
    assert clean.request.headers == clean.response.headers == ((name, kept),)
    assert any(leaks_in_interaction(Interaction(sent, got))) == (kept != value)
    assert not any(leaks_in_interaction(clean))


@pytest.mark.parametrize(
    ("pattern", "complaint"), [("(", "is no regular expression"), ("x*", "matches nothing at all")]
)
def test_a_pattern_that_is_none_is_refused_by_name(
    pattern: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\nsecret_patterns = ['{pattern}']\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=complaint):
        Redactor()
    run: Run = runner(capsys)
    said = run("scan", str(tmp_path))
    assert said.code == 2
    assert complaint in said.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tool = 3", "[tool.harness] expected an object, not 3; known are trust"),
        ("[tool]\nharness = []", "[tool.harness] expected an object, not a list; known are trust"),
        ("[tool.harness]\nsecrets = []", "[tool.harness] secrets: there is no such field; known are trust"),
        ("[tool.harness", "expected TOML, with settings in [tool.harness]"),
    ],
)
def test_settings_that_are_none_are_refused(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as refused:
        project_settings(tmp_path)
    assert str(refused.value).startswith(f"'{tmp_path / 'pyproject.toml'}'")
    assert complaint in str(refused.value)
