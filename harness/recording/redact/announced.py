"""Secrets that have no form of their own and that a name before them announces, in any text.

`password: …`, `"api_key" = '…'`, `--token …`, `<password>…</password>`, `my password is …`: the name is judged by
`names`, as the name of a JSON field is, and what follows it by `values`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from harness.recording.redact.names import Weight, is_secret_name, weight
from harness.recording.redact.passage import FILLERS
from harness.recording.redact.values import held_part, is_held_bare, is_held_option, without_scheme


class Found(NamedTuple):
    """A secret in a text: by which rule it was found, and where it starts and stops."""

    rule: str
    start: int
    stop: int


#: How names of secrets end, in lower case: of these one stands wherever something is announced.
_CORES = (
    *("key", "token", "secret", "auth", "assertion", "string", "credential", "jwt", "pass", "pwd", "psk", "cookie"),
    *("signedurl", "signed_url", "accesscode", "access_code", "devicecode", "device_code", "sessid", "sessionid"),
)


#: How names of secrets end, and what then parts them from the value.
_CORE_PATTERN = (
    r"key(?:[_-]?id|s|[_-]?data|_base|base)?|token|secrets?|authorization|assertion|string|credentials?|jwt|passphrase"
    r"|passcode|passwords?|passwd|pass|pwd|psk|auth|cookies?|signed_?url|access_?code|device_?code|sess(?:ion)?id"
)
_AFTER_NAME = (
    r"(?:(?:\[[0-9]{0,4}\])?(?P<close>[\\\"'`\])*]{0,4})(?:\s{0,3}|[ \t]{4,40})(?P<sep>:=|=>|<-|={1,3}|:(?!:)|>|[|│](?=[ \t]))[*_]{0,3}"
    r"(?:\s?</?(?:b|strong|em|i|code|pre|tt|kbd|span)>){0,2}"
    r"|(?P<comma>[\"'`]\s{0,4},)|(?P<says>[\"'`*_]{0,3}\s(?:(?:(?:is|was|has been) )?(?:re)?set to|is now|is|was):?\s)"
    r"|(?P<given>\s(?:provided|supplied|given|sent|received|used):\s)|(?P<gap>\s{1,3})(?=\S))"
)
_ANNOUNCED = re.compile(f"(?P<core>{_CORE_PATTERN}){_AFTER_NAME}", re.ASCII | re.IGNORECASE)
_OPEN = re.compile(
    r"(?:\s{0,4}|[ \t]{5,40})(?P<marks>[brfuBRFUN@$]{0,2})(?P<escape>\\{0,3})(?P<quote>\"\"\"|'''|[\"'`])"
)
#: Before the first item of a list in code, as of a header's values.
_LIST = re.compile(r"\s{0,4}[\[(]\s{0,40}(?=[\"'])")
#: What parts the cells of a table, and what stands before a cell of one; in code a type may follow a bar.
_BARS = ("|", "│")
_CELL = re.compile(r"(?:\A|[\r\n])(?:[ \t]{0,40}[|│][^\r\n]{0,300}|[\w \t*`-]{0,40})\Z")
#: The first item of a YAML list; under a name of several things, names of them may follow.
_ITEM = re.compile(r"[ \t]{0,4}\r?\n[ \t]{0,16}-[ \t]{1,4}(?=\S)(?![A-Za-z0-9_.-]{1,60}:\s)")
#: What a declaration says of the type of a text: a name, of one piece and without digits, which nothing takes for a value.
_TYPED = re.compile(
    r"\s{0,3}[&A-Za-z](?:u8|[A-Za-z_&.?<>\[\]]|'[a-z]{1,10} | ?\| ?){0,40}+(?: |(?<=str|ing))=\s{0,3}(?=[brfu@]{0,2}[\"'`])"
)
_SPACE = re.compile(r"[ \t]{0,40}(?:\r?\n[ \t]{1,16})?")
#: What may stand in an unquoted value. A backslash is left out: it may belong to an escape.
_BARE = re.compile(r"[^\s\"'`\\,;&<>|]{1,400}+")
#: The same where the value is all that is on its line: settings and environment files.
_LINE = re.compile(r"[^\s\"'`\\]{1,400}+(?=[ \t]{0,8}(?:\r|\n|\Z|[#;]))")
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$@")
_LONGEST_NAME = 64
_STARTS_LINE = re.compile(
    r"(?:\A|[\r\n])[ \t]{0,16}(?:-[ \t]{1,4})?(?:export[ \t]+|set[ \t]+|ENV[ \t]+|ARG[ \t]+)?[\"']?\Z"
)
_BEFORE = 40
#: What a Dockerfile, Windows, fish and csh set a variable by.
_ENV_LINE = re.compile(
    r"(?:\A|[^A-Za-z0-9_])(?:ENV|(?P<macro>define)|setx|setenv|set(?:[ \t]{1,4}-[A-Za-z-]{1,12}){1,3}|config(?:ure)?[ \t]{1,4}set)[ \t]{1,4}\Z"
)
#: What AWS calls a secret by: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1b2c3`.
_ARN = re.compile(r"arn:aws[a-z-]{0,10}:secretsmanager:[a-z0-9-]{0,20}:[0-9]{0,12}:\Z")
#: A start tag, as far as its name.
_TAG = re.compile(r"<(?:[A-Za-z][A-Za-z0-9_.-]{0,40}:)?\Z")
_ATTRIBUTES = re.compile(r"[^<>]{1,400}+(?<!/)>")
_BEFORE_CONTENT = re.compile(r"\s{0,40}+(?:<!\[(?P<raw>CDATA)\[\s{0,40}+)?")
#: A YAML block, of lines that are of one piece each.
_BLOCK = re.compile(
    r"[ \t]{0,4}[|>][0-9+-]{0,2}[ \t]{0,8}(?:\r?\n)(?P<indent>[ \t]{1,16}+)"
    r"(?P<value>[^\s\"'`\\=#]{1,400}+={0,2}(?:\r?\n(?P=indent)[^\s\"'`\\=#]{1,400}+={0,2}){0,30})(?=[ \t]{0,8}(?:\r?\n|\Z))"
)
_FIRST_WORD = re.compile(r"(?:\A|[^A-Za-z0-9])([A-Za-z]{2,12})[ -]\Z")
_LONGEST = 2000
_FILLED = frozenset(FILLERS)


def announced(text: str, lowered: str, own: frozenset[str] = frozenset()) -> Iterator[Found]:
    """Yield the secrets of `text` that a name announces, in order; `own` are names that a project adds.

    `lowered` is the text in lower case, character for character.
    """
    done = 0
    for match, start in _names(text, lowered, own):
        if match.start() < done:
            continue
        name = text[start : match.end("core")]
        found = _after(text, match, name, start, own)
        if found is not None:
            yield found
            done = found.stop


def announces(text: str, lowered: str, own: frozenset[str] = frozenset()) -> bool:
    """Return whether a name in `text` announces anything, whatever that is."""
    return any(
        _weight(text, text[start : match.end("core")], start, own) != "none"
        for match, start in _names(text, lowered, own)
    )


def _names(text: str, lowered: str, own: frozenset[str]) -> Iterator[tuple[re.Match[str], int]]:
    """Yield each name that something stands after, in order, and where it starts."""
    places = sorted({place for core in _CORES if core in lowered for place in _places(lowered, core)})
    for place in places:
        match = _ANNOUNCED.match(text, place)
        if match is not None:
            yield match, _start_of_name(text, place)
    for name in own:
        for match in re.finditer(_own_pattern(name), text):
            yield match, _start_of_name(text, match.start())


def _places(lowered: str, core: str) -> Iterator[int]:
    place = lowered.find(core)
    while place >= 0:
        yield place
        place = lowered.find(core, place + len(core))


def _start_of_name(text: str, place: int) -> int:
    start = place
    while start and text[start - 1] in _NAME_CHARS and place - start < _LONGEST_NAME:
        start -= 1
    return start


@cache
def _own_pattern(name: str) -> re.Pattern[str]:
    """A name of a project's own, compared without its signs, and what parts it from its value."""
    core = r"[_\-. ]?".join(map(re.escape, name))
    return re.compile(f"(?P<core>{core}){_AFTER_NAME}", re.ASCII | re.IGNORECASE)


def _weight(text: str, name: str, start: int, own: frozenset[str]) -> Weight:
    settles = weight(name.lstrip("-.$@"), own)
    if name == "secret" and _ARN.search(text, max(0, start - 80), start) is not None:
        return "none"
    if settles != "secret" and (first := _FIRST_WORD.search(text, max(0, start - 14), start)) is not None:
        return "secret" if is_secret_name(f"{first[1]} {name}", own) else settles
    return settles


def _after(text: str, match: re.Match[str], name: str, start: int, own: frozenset[str]) -> Found | None:
    settles = _weight(text, name, start, own)
    if settles == "none":
        return None
    if match["gap"] is not None:
        if _TAG.search(text, max(0, start - _BEFORE), start) is not None:
            attributes = _ATTRIBUTES.match(text, match.end())
            return None if attributes is None else _as_content(text, attributes.end(), doubtful=settles == "doubtful")
        return _as_option(text, match, name, start, doubtful=settles == "doubtful")
    place = match.end()
    if match["comma"] is not None:
        return _as_pair(text, place, start, match["comma"][0])
    says = match["says"] or match["given"]
    if says is None and match["sep"] == ">":
        is_tag = _TAG.search(text, max(0, start - _BEFORE), start) is not None
        return _as_content(text, place, doubtful=settles == "doubtful") if is_tag else None
    if match["sep"] in _BARS and _CELL.search(text, max(0, start - 300), start) is None:
        return None
    if match["sep"] == ":" and (block := _BLOCK.match(text, place)) is not None:
        return _block(block, doubtful=settles == "doubtful")
    place, settles = _start_of_value(text, match, settles)
    opening = _OPEN.match(text, place)
    if opening is not None:
        if _closes(text, opening, start, match["close"] or ""):
            return None
        return _quoted(text, opening, doubtful=settles == "doubtful")
    if says is None and match["sep"] in ("==", "==="):
        return None
    stated = says is not None or match["sep"] == ":"
    found = _bare(text, _SPACE.match(text, place).end(), start, match, stated=stated, doubtful=settles == "doubtful")  # type: ignore[union-attr]
    if found is not None and match["given"] is not None and not _FILLED.isdisjoint(text[found.start : found.stop]):
        # What a service tells of a key that it refuses is masked already, most of the time.
        return None
    return found


def _start_of_value(text: str, match: re.Match[str], settles: Weight) -> tuple[int, Weight]:
    """Where the value begins that a separator parts from its name, and how far what parts them settles what it is."""
    place, sep = match.end(), match["sep"]
    if sep == ":" and match["core"][-1] not in "sS" and (item := _ITEM.match(text, place)) is not None:
        return item.end(), settles
    if sep == ":" and (typed := _TYPED.match(text, place)) is not None:
        return typed.end(), settles
    if sep is not None and (items := _LIST.match(text, place)) is not None:
        # There may be rules for a value, or where it stands.
        return items.end(), "doubtful"
    # The next cell of a table may as well say what a password is.
    return place, "doubtful" if sep in _BARS else settles


def _closes(text: str, opening: re.Match[str], start: int, close: str) -> bool:
    """Whether what looks like an opening quote closes the string in which the name stands: `input("Password: ")`."""
    quote = opening["quote"]
    if opening["escape"] or len(quote) > 1 or quote in close:
        return False
    line = max(text.rfind("\n", max(0, start - 300), start) + 1, start - 300, 0)
    return text.count(quote, line, start) % 2 == 1


def _quoted(text: str, opening: re.Match[str], *, doubtful: bool) -> Found | None:
    begin = opening.end()
    stop = _closing(text, begin, opening["escape"] + opening["quote"])
    if "f" in opening["marks"].lower() and "{" in text[begin:stop]:
        return None
    return _held(text, begin, stop, "quoted", doubtful=doubtful)


def _closing(text: str, begin: int, mark: str) -> int:
    """Where the quote `mark` closes what begins at `begin`; the end of the line, where it does not."""
    limit = min(len(text), begin + _LONGEST)
    position = begin
    while (stop := text.find(mark, position, limit)) >= 0:
        if text[stop - 1] != "\\" or mark[0] == "\\":
            return stop
        position = stop + 1
    return min(
        (end for end in (text.find("\n", begin, limit), text.find("\r", begin, limit)) if end >= 0), default=limit
    )


def _held(text: str, begin: int, stop: int, rule: str, *, doubtful: bool) -> Found | None:
    span = held_part(text[begin:stop], doubtful=doubtful)
    return None if span is None else Found(rule, begin + span[0], stop)


def _as_content(text: str, place: int, *, doubtful: bool) -> Found | None:
    """What an XML element holds whose start tag ends at `place`, without the space around it."""
    before = _BEFORE_CONTENT.match(text, place)
    begin = place if before is None else before.end()
    stop = text.find("]]>" if before is not None and before["raw"] else "<", begin, begin + _LONGEST)
    # What no end tag follows is no element: `Option<Secret> …`, `--password <password> …`.
    if stop < 0 or not text.startswith(("</", "]]>"), stop):
        return None
    return _held(text, begin, begin + len(text[begin:stop].rstrip()), "element", doubtful=doubtful)


def _as_pair(text: str, place: int, start: int, quote: str) -> Found | None:
    """What follows a quoted name in a list or a call. It may be anything, so it must look like a secret."""
    opening = _OPEN.match(text, place)
    if opening is None or opening["quote"] != quote or text[start - 1 : start] != quote:
        return None
    return _quoted(text, opening, doubtful=True)


def _block(block: re.Match[str], *, doubtful: bool) -> Found | None:
    value = block["value"]
    held = is_held_bare(value, "\n", stated=False, doubtful=doubtful)
    return Found("block", *block.span("value")) if held else None


def _as_option(text: str, match: re.Match[str], name: str, start: int, *, doubtful: bool) -> Found | None:
    """What follows a name after a space alone: an option of a command, a variable of a Dockerfile, SQL's PASSWORD."""
    place = match.end()
    opening = _OPEN.match(text, place)
    if name.startswith("-"):
        if opening is not None:
            return _quoted(text, opening, doubtful=doubtful and name.rpartition("-")[2].lower() != "token")
        value = _BARE.match(text, place)
        return Found("option", *value.span()) if value is not None and is_held_option(value.group()) else None
    if opening is not None and opening["quote"] == "'" and match["core"].lower() == "password":
        found = _quoted(text, opening, doubtful=doubtful)
        return found if found is not None and found.stop - found.start >= 4 else None
    line = _ENV_LINE.search(text, max(0, start - _BEFORE), start)
    if line is not None and opening is not None:
        return _quoted(text, opening, doubtful=doubtful)
    # What C defines without quotes is a number or code.
    if line is not None and not line["macro"]:
        value = _LINE.match(text, place)
        return _held(text, *value.span(), "assigned", doubtful=doubtful) if value is not None else None
    if doubtful or match["core"].lower() not in ("key", "token"):
        return None
    # `Invalid API key …`: a word may follow as well, so it must look like a secret.
    if opening is not None:
        return _quoted(text, opening, doubtful=True)
    return _bare(text, place, start, match, stated=True, doubtful=True)


def _bare(text: str, place: int, start: int, match: re.Match[str], *, stated: bool, doubtful: bool) -> Found | None:
    place += without_scheme(text[place : place + 48])
    whole_line = _STARTS_LINE.search(text, max(0, start - _BEFORE), start) is not None
    value = (_LINE.match(text, place) if whole_line else None) or _BARE.match(text, place)
    if value is None:
        return None
    if "&" in value.group() and "=" in value.group():
        # A form or query: what follows is the next field.
        value = _BARE.match(text, place) or value
    begin, stop = value.span()
    word = text[begin:stop].rstrip(".,:!?)]}" if stated else ".,:)]}")
    stop = begin + len(word)
    if not stated and text[match.end() : match.end() + 1] == " " and not whole_line and word.isalpha():
        return None
    # In settings a word is a value, in a sentence, or under a title of one, it is a word.
    name = text[start : match.end("core")]
    in_settings = whole_line and value.re is _LINE and not (name[:1].isupper() and name[1:2].islower())
    held = is_held_bare(word, text[stop : stop + 2], stated=stated and not in_settings, doubtful=doubtful)
    return Found("stated" if stated else "assigned", begin, stop) if held else None
