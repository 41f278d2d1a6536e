"""The judge of texts: every row of the tables finds what it is for, and what is no secret is left alone."""

from __future__ import annotations

import json
import re

import pytest

from harness.recording.redact.forms import forms
from harness.recording.redact.judge import default_judge
from harness.recording.redact.redaction import Redactor
from tests.recording.redact.form_examples import example
from tests.recording.redact.innocent_texts import INNOCENT
from tests.recording.redact.more_planted_secrets import ANNOUNCED, SERVICES
from tests.recording.redact.planted_secrets import BY_FORM

REDACTOR = Redactor()
PLANTED = BY_FORM + SERVICES + ANNOUNCED


def test_a_planted_secret_is_blotted_and_nothing_grows_or_shrinks() -> None:
    for planted in PLANTED:
        redacted = REDACTOR.text(planted.text)
        assert not traces(planted.core, redacted), planted.id
        assert len(redacted) == len(planted.text), planted.id
        assert REDACTOR.text(redacted) == redacted, planted.id


#: What ends in a letter and is none of a word: escapes of code, URLs and mail, and colours of a terminal, as code writes them too.
ESCAPES = (
    *("\\n", "\\t", "\\r\\n", "\\x3d", "\\u003d", "\\075", "%3D", "=3D"),
    *("\x1b[31m", "\x1b[01;31m\x1b[K", "\x9b31m", "\\x1b[31m", "\\u001b[38;5;196m", "\\033[0;31m", "\\e[1m"),
)


@pytest.mark.parametrize("escape", ESCAPES, ids=ascii)
def test_a_secret_is_found_after_an_escape(escape: str) -> None:
    found = {planted.id: REDACTOR.text(f"a{escape}{planted.text}") for planted in PLANTED}
    assert [planted.id for planted in PLANTED if traces(planted.core, found[planted.id])] == []


def test_a_secret_is_found_between_quotes_that_are_escaped() -> None:
    """As a log has them that shows a string, or JSON that was cut."""
    quoted = {"form-data", "html-input", "login-call", "net-settings", "secret-str-annotated", "terraform-variable"}
    found = {each.id: REDACTOR.text(json.dumps(f"{each.text} ")[1:]) for each in PLANTED if each.id in quoted}
    assert found.keys() == quoted
    assert [each.id for each in PLANTED if each.id in quoted and traces(each.core, found[each.id])] == []


@pytest.mark.parametrize("colours", ["\x1b[31m", "\x1b[m\x1b[K"])
def test_a_secret_is_found_in_colours_that_begin_and_end_inside_of_it(colours: str) -> None:
    for planted in BY_FORM:
        start = planted.text.index(planted.core)
        text = f"{planted.text[: start - 2]}{colours}{planted.text[start - 2 : start + 9]}{colours}{planted.text[start + 9 :]}"
        redacted = REDACTOR.text(text)
        assert not traces(planted.core, redacted.replace(colours, "")), planted.id
        assert len(redacted) == len(text), planted.id


def test_the_prefix_that_all_keys_of_a_kind_share_stays_readable() -> None:
    assert [
        planted.id for planted in BY_FORM if planted.value.removesuffix(planted.core) not in REDACTOR.text(planted.text)
    ] == []


def test_what_is_no_secret_is_left_alone() -> None:
    assert {text: redacted for text in INNOCENT if (redacted := REDACTOR.text(text)) != text} == {}


def test_the_tables_are_as_long_as_they_have_to_be() -> None:
    assert len({planted.id for planted in PLANTED}) == len(PLANTED) >= 126
    assert len(set(INNOCENT)) == len(INNOCENT) >= 87
    assert all(len(planted.core) >= 10 for planted in PLANTED), "a shorter one would leave no trace to find"


def test_every_form_finds_what_it_describes_in_a_text() -> None:
    for form in forms():
        text = f'log in as "{example(form)}" please'
        assert form in default_judge().lens(text).forms, f"no literal of {form.name} is looked for"
        assert [text[start:stop] in example(form) for start, stop in form.find(text)] == [True], form.name
        assert REDACTOR.text(text) != text, form.name


def test_of_two_forms_that_find_a_secret_the_first_of_the_tables_names_it() -> None:
    """What a scan says is the same in each process, in which sets of texts are ordered by chance."""
    everything = " ".join(planted.text for planted in PLANTED)
    places = {form.name: place for place, form in enumerate(forms())}
    found = [places[form.name] for form in default_judge().lens(everything).forms]
    assert found == sorted(found)


def test_forms_are_named_once_and_those_of_our_own_are_sourced() -> None:
    assert len({form.name for form in forms()}) == len(forms())
    assert all(form.pattern.flags & re.ASCII for form in forms()), "no form may depend on how a text was decoded"


def traces(core: str, text: str) -> list[str]:
    """The parts of a secret, eight characters long, that `text` still shows."""
    return [core[start : start + 8] for start in range(len(core) - 7) if core[start : start + 8] in text]
