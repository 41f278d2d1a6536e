"""The one judge of a text: where its secrets stand. Redaction blots them, and the scan names them.

A text is looked at as it reads; what hides in its JSON, its URLs or its base64 is decoded by `search`, and judged here
again. The time is linear in the length of the text.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from harness.errors import UsageError
from harness.recording.redact.announced import Found, announced, announces
from harness.recording.redact.forms import Form, live_forms
from harness.recording.redact.names import (
    Weight,
    is_option,
    is_query_name,
    is_query_word,
    normal_names,
    query_weight,
    weight,
)
from harness.recording.redact.passage import CODE, has_escapes
from harness.recording.redact.structures import Find, live_structures
from harness.recording.redact.values import held_part, is_held, is_held_doubtful, is_held_option
from harness.recording.settings import project_settings


class Judge(Struct, frozen=True):
    """What is a secret, and what is none."""

    #: Names of fields that a project adds, as they are compared.
    own_names: frozenset[str] = frozenset()
    #: Patterns that a project adds; the group `secret` or else the whole match is blotted.
    own_patterns: tuple[re.Pattern[str], ...] = ()
    #: Credentials that are known as they are.
    values: tuple[str, ...] = ()

    def secrets(self, text: str) -> list[Found]:
        """Return the secrets of `text` as it reads."""
        return self.lens(text).secrets(text)

    def lens(self, text: str) -> Lens:
        """Return what of all rules could find a secret in `text` or in any part of it."""
        if len(text) < _SHORTEST:
            return Lens(self, (), (), announces=False, encodes=False, decodes=False)
        if has_escapes(text):
            # As it stands and as it reads: an escape that ends in a letter is no part of the word after it.
            text = f"{text}\n{CODE.decoded(text)}"
        lowered = lower(text)
        runs = _runs(lowered)
        words = frozenset(_WORD.findall(" ".join(runs)))
        return Lens(
            self,
            tuple(live_forms(words, text)),
            tuple(live_structures(words, lowered)),
            announces=announces(text, lowered, self.own_names),
            encodes="%" in text or any(len(run) >= SHORTEST_BASE64 for run in runs),
            decodes="{" in text or "[" in text or "=" in text,
            values=tuple(value for value in self.values if value in text),
        )

    def weight(self, name: str) -> Weight:
        """Return how far the name of a field settles that its value is a secret."""
        return weight(name, self.own_names)

    def field(self, name: str, value: str, *, inside: bool = False) -> tuple[int, int] | None:
        """Return which part of `value` is a secret because it stands under `name`; `inside`: or further out does."""
        settles: Weight = "secret" if inside else self.weight(name)
        return None if settles == "none" else held_part(value, doubtful=settles == "doubtful")

    def argument(self, name: str, value: str) -> tuple[int, int] | None:
        """Return which part of `value` is a secret because it follows `name` in a list: an option, or a header field."""
        if self.weight(name.lstrip("-") if is_option(name) else name) == "none":
            return None
        if not is_option(name):
            return held_part(value, doubtful=True)
        return (0, len(value)) if is_held_option(value) else None

    def query(self, name: str, value: str, before: str, after: str) -> bool:
        """Return whether `value`, in a query or a form under `name`, is a secret, by what stands around it."""
        settles = query_weight(name, self.own_names)
        if settles == "none" and name.lower() == "code" and (_CALLBACK.search(before) or _GRANT in before + after):
            settles = "secret"
        if settles == "doubtful" and not is_held_doubtful(value):
            return False
        if settles == "none" or (value.isdecimal() and (len(value) < 6 or is_query_name(name))):
            return False
        return is_held(value) and not is_query_word(value)


class Lens(Struct, frozen=True):
    """The rules that are worth asking about a text or its parts."""

    judge: Judge
    forms: tuple[Form, ...]
    structures: tuple[Find, ...]
    #: Whether a name stands before something.
    announces: bool
    #: Whether the text may hide another in base64 or percent-encoding.
    encodes: bool
    #: Whether it may have JSON or a query in it.
    decodes: bool
    #: The known credentials that stand in it.
    values: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.judges or self.encodes or self.decodes

    @property
    def judges(self) -> bool:
        """Whether any rule could find a secret in the text as it reads."""
        return bool(self.forms or self.structures or self.announces or self.judge.own_patterns or self.values)

    def secrets(self, text: str) -> list[Found]:
        """Return the secrets of `text`."""
        found = [Found(form.name, start, stop) for form in self.forms for start, stop in form.find(text)]
        if self.values:
            found.extend(self._known(text, sorted(form.start for form in found)))
        for find in self.structures:
            found.extend(find(text))
        if self.announces:
            found.extend(announced(text, lower(text), self.judge.own_names))
        for pattern in self.judge.own_patterns:
            group = "secret" if "secret" in pattern.groupindex else 0
            found.extend(Found("own", *match.span(group)) for match in pattern.finditer(text))
        return found

    def _known(self, text: str, forms: list[int]) -> Iterator[Found]:
        """Yield where known credentials stand; one in which a form begins keeps what all of that form have."""
        for value in self.values:
            for match in re.finditer(re.escape(value), text):
                following = bisect_left(forms, match.start())
                if following == len(forms) or forms[following] >= match.end():
                    yield Found("environment", *match.span())


def lower(text: str) -> str:
    """Return `text` in lower case, character for character."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(_LOWER)


def _runs(lowered: str) -> frozenset[str]:
    """What `lowered` falls into between the characters that base64 has not."""
    return frozenset(lowered.translate(_APART).split()) if lowered.isascii() else frozenset(_RUN.findall(lowered))


_RUN = re.compile(r"[a-z0-9+/_-]+")
_WORD = re.compile(r"[a-z0-9]+")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_APART = "".join(chr(code) if _RUN.fullmatch(chr(code)) else " " for code in range(128))
#: Shorter base64 holds no credential.
SHORTEST_BASE64 = 20
_SHORTEST = 6
#: What an authorization code is given for (RFC 6749, 4.1.3), and where one is given.
_GRANT = "grant_type=authorization_code"
_CALLBACK = re.compile(
    r"/(?:cb|callback|oauth2?|redirect|login|signin|authorize|auth)\b[^?]{0,80}\?[^?]*\Z|[?&]state=|\.azurewebsites\.net/",
    re.IGNORECASE,
)


def default_judge() -> Judge:
    """Return the judge of the project that the current folder lies in.

    Raises:
        UsageError: the project's settings can't be read, or one of its patterns is none.
    """
    try:
        # No Path, which takes longer to make and to look up than all else here.
        folder = os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return Judge()
    return _judge_of(folder)


@cache
def _judge_of(folder: str) -> Judge:
    settings = project_settings(Path(folder))
    return Judge(normal_names(settings.secret_names), tuple(map(_compiled, settings.secret_patterns)))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"[tool.harness] secret_patterns: {pattern!r} is no regular expression: {error}; correct it"
        ) from None
    if compiled.fullmatch("") is not None:
        raise UsageError(
            f"[tool.harness] secret_patterns: {pattern!r} matches nothing at all; make it ask for something"
        )
    return compiled
