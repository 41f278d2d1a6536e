"""The table of credential forms: every row finds what it is for, and what is no secret is left alone."""

from __future__ import annotations

import re

import pytest

from harness.recording.redact.redaction import Redactor
from harness.recording.redact.rules import RULES, find, live_rules
from tests.recording.redact.planted_secrets import BY_FORM, Planted

REDACTOR = Redactor()

#: What looks like a key to a careless rule.
HARMLESS = (
    "chatcmpl-DAlq4osCP9ABJ1HyXFBoYWylMg0bi",
    "call_Cow46pNllpDx0pxUgZFeqlh1",
    "toolu_01Lfr3kUnHMZApePPRWMv1uS",
    "msg_01JCJXSfyzkcecJUydp157cS",
    "resp_0fabc13af1ee0049006a691dfdab8881a1a75f2db7ff78cb83",
    "req_011CSHoEeqs5C35K2UUqR7Fy",
    "fp_9766e549b2",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "a task-oriented-dialogue-system-2024 with risk-averse-investors-of-2023",
    "max_tokens: 4096, prompt_tokens=12345678, total_tokens: 99999999",
    "The password must contain 8 characters. Your API key is required here.",
    "Basic understanding of authentication; bearer authentication is described below.",
    "https://api.openai.com/v1/chat/completions?api-version=2024-12-01-preview&alt=sse",
    "mailto:someone@example.com and https://example.com/a:b@c",
    "2025-12-05T00:22:57.123456+00:00",
    "the secret of success is hard work",
    "-----BEGIN CERTIFICATE-----",
    "sha512-" + "A1b2" * 21 + "C3==",
    "AKIA is the prefix of an access key",
    "skip-connections, sk-learn, ask-me-anything",
)


@pytest.mark.parametrize("planted", BY_FORM, ids=lambda planted: planted.id)
def test_a_planted_secret_is_blotted_and_nothing_grows_or_shrinks(planted: Planted) -> None:
    redacted = REDACTOR.text(planted.text)
    assert not traces(planted.core, redacted)
    assert len(redacted) == len(planted.text)
    assert REDACTOR.text(redacted) == redacted


@pytest.mark.parametrize("planted", BY_FORM, ids=lambda planted: planted.id)
def test_the_prefix_that_all_keys_of_a_kind_share_stays_readable(planted: Planted) -> None:
    prefix = planted.value.removesuffix(planted.core)
    assert prefix in REDACTOR.text(planted.text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_at_least_sixty_forms_are_planted() -> None:
    assert len({planted.id for planted in BY_FORM}) == len(BY_FORM) >= 60


def test_every_rule_is_needed_for_a_planted_secret() -> None:
    met = {rule.name for planted in BY_FORM for rule, _, _ in find(planted.text, RULES)}
    assert {rule.name for rule in RULES} - met == set()


def test_rules_are_named_once_sourced_and_say_what_is_secret() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert "secret" in rule.pattern.groupindex, rule.name
        assert rule.source.startswith("https://"), rule.name
        assert rule.pattern.flags & re.ASCII, f"{rule.name}: a byte of a longer character must be no space"


@pytest.mark.parametrize("planted", BY_FORM, ids=lambda planted: planted.id)
def test_the_anchors_of_a_rule_occur_wherever_it_matches(planted: Planted) -> None:
    live = live_rules(planted.text)
    assert {rule.name for rule, _, _ in find(planted.text, RULES)} <= {rule.name for rule in live}


def traces(core: str, text: str) -> list[str]:
    """The parts of a secret, eight characters long, that `text` still shows."""
    return [core[start : start + 8] for start in range(len(core) - 7) if core[start : start + 8] in text]
