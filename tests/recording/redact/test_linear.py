"""The time to look at a text grows with its length and no faster, whoever wrote it."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import pkgutil
import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from harness.recording import redact
from harness.recording.redact.bodies import redacted_body, redacted_text
from harness.recording.redact.forms import forms

#: More times than this around another repetition is too many.
_OFTEN = 40
#: A run that may be longer than this counts as one of any length.
_LONG = 500
#: Seconds in which a text that is quadratic to look at can't hide.
_MOMENT = 0.15
_HEX = hashlib.shake_256(b"hex").hexdigest(500_000)
_BASE64 = base64.b64encode(hashlib.shake_256(b"base64").digest(750_000)).decode()

#: What is written again and again to make a rule start over and over.
SEEDS = (
    *(" ", '"', "'", "\\", "\n", "@", "_", "a_", "x.", "a=", "{", "[[", '{"a":', '{"a":[', "\\u0041", "%41", "é"),
    *("://", "http://a:", "http://a:b@", "?a=%41", "&a=+b", "eyJ", "eyJhhhhhhhh.", "sk-", "sk_", "sk-ant-", "-us"),
    *("-----BEGIN PRIVATE KEY-----\n", "mysql -p", "docker login ", "curl -u a:b ", " -u a", "login a password "),
    *("bearer ", "authorization: a ", "authorization: d a=b,", "cookie: a=", 'name="a"\r\n', "ENV key a", "<password>"),
    *("key=", "password: ", "password='", '"password":', "api_key: '", "token is ", "secret ", "password=${"),
    *("password=a,", "aws aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ", ".aaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaa", "$2a$"),
    *("<a value='b' ", "<a name='password' ", "<password a", "<password>\n", "password: |\n  a\n", "'password', '"),
    *('["-p","', '["--password","', '[["password","', 'variable "password" {', "SecretStr('", "<Cookie a="),
    *("data: x\n", "data: {\n\n", "a;b=c&", "--password a ", "machine a "),
)  # fmt: skip


def _seconds(look: Callable[[], object]) -> float:
    """The processor's time, so that what else runs on the machine counts little."""
    started = time.process_time()
    look()
    return time.process_time() - started


def _looks(text: str) -> float:
    return max(
        _seconds(lambda: redacted_text(text)),
        _seconds(lambda: redacted_body(json.dumps({"a": text}).encode(), "application/json")),
        _seconds(lambda: redacted_body(text.encode(), "")),
    )


def _hostile(length: int) -> Iterator[tuple[str, str]]:
    for seed in SEEDS:
        yield seed, seed * (length // len(seed))
    for head in ("", "aws ", "key: ", "password="):
        yield f"{head}hex", head + _HEX[:length]
        yield f"{head}base64", head + _BASE64[:length]
    yield "hex URL", f"{_HEX[: length // 2]}://{_HEX[: length // 2]}"


def _grows_too_fast(text: str) -> bool:
    """Whether twice the length takes more than three times as long; what takes a moment only is not asked."""
    spent = _looks(text)
    return spent > _MOMENT and spent > 3 * _looks(text[: len(text) // 2])


@pytest.mark.slow
def test_no_hostile_text_takes_longer_than_its_length_asks_for() -> None:
    assert [name for name, text in _hostile(24_000) if _grows_too_fast(text)] == []


@pytest.mark.slow
def test_no_hostile_megabyte_takes_longer_than_its_length_asks_for() -> None:
    # Generous, for slow machines: a rule that is quadratic takes minutes, one that is linear a second or two.
    assert {name: spent for name, text in _hostile(1_000_000) if (spent := _looks(text)) > 30} == {}


def test_no_form_can_fail_after_a_run_of_any_length() -> None:
    """By construction: else each literal in a long run of them would be looked at to the end of the run."""
    assert [form.name for form in forms() if _fails_late(parser.parse(form.source_pattern))] == []


def test_no_pattern_repeats_what_repeats() -> None:
    """By construction: repetition in repetition is what can be tried in more ways than a text is long."""
    patterns = {form.name: form.pattern for form in forms()} | dict(_patterns_of_modules())
    assert len(patterns) > 200
    assert {name for name, pattern in patterns.items() if _nests(parser.parse(pattern.pattern, pattern.flags))} == set()


def _patterns_of_modules() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.iter_modules(redact.__path__, f"{redact.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for pattern in _patterns_in(value):
                yield f"{module.name}.{name}: {pattern.pattern}", pattern


def _patterns_in(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _patterns_in(part)


def _fails_late(nodes: Iterable[Any]) -> bool:
    endless = False
    for kind, value in nodes:
        optional = kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT) and value[0] == 0
        if endless and not optional:
            return True
        match kind:
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                endless = endless or value[1] > _LONG or _fails_late(value[2])
            case op.SUBPATTERN:
                if _fails_late(value[-1]):
                    return True
                endless = endless or _ends_endless(value[-1])
            case op.BRANCH:
                if any(_fails_late(branch) for branch in value[1]):
                    return True
                endless = endless or any(_ends_endless(branch) for branch in value[1])
            case _:
                pass
    return False


def _ends_endless(nodes: Iterable[Any]) -> bool:
    return any(
        value[1] > _LONG or _ends_endless(value[2])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
        else kind is op.SUBPATTERN and _ends_endless(value[-1])
        for kind, value in nodes
    )


def _nests(nodes: Iterable[Any], *, within: bool = False) -> bool:
    for kind, value in nodes:
        match kind:
            case op.MAX_REPEAT | op.MIN_REPEAT:
                least, most, inner = value
                varies = most != least and most > 1
                if (within and varies and most > _OFTEN) or _nests(inner, within=within or most > _OFTEN):
                    return True
            # What is possessive or atomic is taken once, whatever stands around it.
            case op.POSSESSIVE_REPEAT:
                if _nests(value[2], within=False):
                    return True
            case op.ATOMIC_GROUP:
                if _nests(value, within=False):
                    return True
            case op.SUBPATTERN:
                if _nests(value[-1], within=within):
                    return True
            case op.BRANCH:
                if any(_nests(branch, within=within) for branch in value[1]):
                    return True
            case op.ASSERT | op.ASSERT_NOT:
                if _nests(value[1], within=within):
                    return True
            case _:
                pass
    return False
