"""What stands in a secret's place: placeholders, references to where the secret is kept, code, and prose.

A name only announces a secret; these decide whether what follows is one. The same questions are asked of a value in
JSON, in a query, in settings, in code and in a sentence.
"""

from __future__ import annotations

import re

from harness.recording.redact.names import looks_opaque
from harness.recording.redact.passage import FILLERS

#: Words of which people make the values that they put in a credential's place, and that code has in its stead.
_WORDS = frozenset(
    (
        *("a", "access", "account", "actual", "an", "anthropic", "any", "api", "apikey", "app", "auth"),
        *("authorization", "aws", "azure", "bar", "base64", "basic", "bearer", "bool", "boolean", "bytes"),
        *("change", "changeme", "client", "confirmed", "cookie", "cookies", "credential", "credentials"),
        *("database", "db", "default", "demo", "digest", "dummy", "empty", "enter", "env", "example", "fake"),
        *("false", "filtered", "foo", "from", "gemini", "github", "goes", "google", "here", "hidden", "id", "in"),
        *("include", "insert", "int", "integer", "is", "key", "masked", "max", "me", "min", "missing", "mock"),
        *("my", "name", "new", "nil", "no", "none", "not", "null", "nullable", "number", "oauth", "oauth1"),
        *("oauth2", "object", "of", "oidc", "old", "omit", "openai", "optional", "or", "origin", "pass"),
        *("passphrase", "passwd", "password", "paste", "personal", "pk", "placeholder", "private", "provided"),
        *("public", "put", "real", "redacted", "removed", "replace", "replaceme", "required", "same", "saml2"),
        *("sample", "scrubbed", "secret", "secrets", "service", "session", "set", "sk", "some", "sometimes"),
        *("str", "string", "test", "testing", "text", "the", "this", "to", "todo", "token", "true", "type"),
        *("undefined", "unset", "user", "username", "valid", "value", "var", "with", "yes", "your", "yours"),
    )
)
_PART = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MASK = re.compile(rf"[xX]{{2,}}|[{FILLERS}xX.…0#?_-]+|[0-9]{{1,2}}")
_ONLY_MASK = re.compile(rf"[{FILLERS}xX.…0#?_\s-]+")

#: Where a secret is kept, in place of the secret, or since when or until when there is one.
_REFERENCE = re.compile(
    r"""
      \$\{[^{}]{1,200}\} | \$\([^()]{1,200}\) | \$\$?[A-Z_][A-Z0-9_]* | \$[a-z_]+ | \$\{\{.{0,200}\}\}
    | \{\{.{0,200}\}\} | \{[^{}]{0,200}\} | <[^<>]{0,200}> | \[[^\[\]]{0,200}\] | %[A-Z_]+% | %\(?\w{0,40}\)?s | \([^()]{0,40}\)
    | (?:op|vault|ssm|env|file|secret|secretref|keyring|awssm|gcpsm|azurekv)://?\S* | (?:arn:aws[a-z-]*|urn:ietf):\S* | !(?:vault|secret|env|Ref)\b.*
    | projects/[^/\s]+/secrets/\S* | (?:env|secret|vault|ssm|file|ref):[A-Za-z_/][\w/.-]*
    | (?:\.{0,2}/|~/)[\w.-]++(?:/[\w.-]++)++(?<=[a-z]) | (?:\.{0,2}|~)(?:/[A-Z]?[a-z._-]++[0-9]{0,4}){2,}+
    | (?:id|type|src|source|env)=[\w./-]*+(?:,.*)? | [A-Z]:\\\S*
    | \?|:[a-z_]+|@[a-z_]+ | `[^`]*`?
    | [0-9]{4}-[0-9]{2}-[0-9]{2}[T\ ][0-9]{2}:[0-9:.]{2,16}(?:Z|[+-][0-9:]{4,5})?
    """,
    re.ASCII | re.DOTALL | re.VERBOSE,
)
#: The same inside of a longer value.
_INSERTED = re.compile(
    r"\$\{[^{}]{1,200}\}|\$\([^()]{1,200}\)|\{\{[^{}]{1,200}\}\}|\{[A-Za-z_][\w.\[\]'\"()]{0,80}\}|<[A-Za-z][^<>]{0,80}>"
    r"|\$[A-Z_][A-Z0-9_]*|\$[a-z_]+|%[A-Z_]+%|%\(\w{1,40}\)s",
    re.ASCII,
)
_SETTING_NAME = re.compile(r"[A-Z][A-Z_]*_[A-Z_]*[A-Z]")
#: An expression of code: a call, an index, members of something; and a type.
_EXPRESSION = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|\?\.|->|::)[A-Za-z_$][\w$]*)*+\s?[(\[]", re.ASCII)
_MEMBERS = re.compile(r"[A-Za-z_$][A-Za-z_$]*+(?:(?:\.|\?\.|->|::)[A-Za-z_$][A-Za-z0-9_$]{0,40})+", re.ASCII)
_OWN_MEMBER = re.compile(
    r"(?:self|this|cls|os|process|settings|config|cfg|args|env|vars?|local|data)\.[\w.\[\]]+!?", re.ASCII
)
_IDENTIFIER = re.compile(r"[A-Za-z_$]+", re.ASCII)
_CODE_GOES_ON = frozenset("),.([{]};")
#: A type, and a page.
_CODE = re.compile(
    r"(?:[ui]?int|float|bytes)\d+|Secret(?:Str|Bytes)|Optional|VARCHAR|varchar|bytea|https?://[^?@;=]*\Z", re.ASCII
)
#: Words of code, which have no digits in the middle, and signs.
_NAMES = re.compile(r"(?:\W|[A-Za-z_]++[0-9]{0,3}+(?!\w)|[0-9]{1,3}+(?!\w))++", re.ASCII)
_BRACKETS = {"{": "}", "[": "]", "(": ")"}

_SCHEMES = r"bearer|basic|token|apikey|api-key|key|digest|negotiate|ntlm|jwt|oauth|ssws|splunk|geniekey|hawk|bot|flyv1"
_SCHEME = re.compile(rf"(?:{_SCHEMES})\s{{1,4}}(?=\S)", re.ASCII | re.IGNORECASE)
#: Words that a passphrase rarely has and a sentence about one does.
_SENTENCE = re.compile(
    r"\b(?:a|an|and|are|as|at|be|by|can|cannot|character|characters|do|does|for|from|has|have|if|in|incorrect|invalid|is|"
    r"it|least|match|may|must|not|of|on|or|please|provided|required|should|that|the|this|to|use|valid|was|will|with|you|"
    r"your)\b",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Return whether `value` is what people write where a credential was, or is to be."""
    if _ONLY_MASK.fullmatch(value):
        return True
    parts = _PART.findall(value)
    if not all(_MASK.fullmatch(part) or _is_wordy(part) for part in parts):
        return False
    # A value of signs alone is a mask where all of them are, and else may be a password.
    return bool(parts) or not value.strip()


def is_held(value: str) -> bool:
    """Return whether `value`, set apart by quotes, tags or JSON under a secret's name, is a secret."""
    bare = value.strip()
    if not bare or is_placeholder(bare) or _REFERENCE.fullmatch(bare) or _SETTING_NAME.fullmatch(bare):
        return False
    if _is_sentence(bare) or _OWN_MEMBER.fullmatch(bare):
        return False
    around = _INSERTED.sub("", bare)
    return around == bare or (any(map(str.isalnum, around)) and not is_placeholder(around))


def is_held_bare(value: str, follows: str, *, stated: bool, doubtful: bool = False) -> bool:
    """Return whether `value`, which stands without quotes, is a secret; `follows` is what stands after it.

    `stated`: after a colon or in a sentence, where a word is a word; else after an equals sign.
    """
    if doubtful:
        return is_held_doubtful(value)
    # After a colon a bracket that stands apart is of the sentence: `password: … (change it)`.
    called = value + follows[: 1 if stated else 2]
    if not is_held(value) or _EXPRESSION.match(called) or _CODE.match(value) or _MEMBERS.fullmatch(value):
        return False
    if _is_cut(value) and follows.strip():
        return False
    if value.isdecimal():
        return len(value) >= 6
    if stated:
        return len(value) >= 6 and any(char.isdecimal() or char in FILLERS for char in value)
    if _IDENTIFIER.fullmatch(value):
        return len(value) >= 6 and "_" not in value and follows[:1] not in _CODE_GOES_ON and not _is_humped(value)
    return len(value) >= 4


def is_held_option(value: str) -> bool:
    """Return whether `value`, which follows a secret's option, is a secret."""
    if value.startswith("-") or value.isdecimal() or not is_held(value):
        return False
    return len(value) >= 8 or not value.isalpha()


def is_held_doubtful(value: str) -> bool:
    """Return whether `value`, under a doubtful name, is a secret."""
    return looks_opaque(value) and is_held(value)


def held_part(value: str, *, doubtful: bool) -> tuple[int, int] | None:
    """Return which part of `value`, set apart under a secret's name or a doubtful one, is a secret: all but its scheme."""
    begin = without_scheme(value)
    return (begin, len(value)) if (is_held_doubtful if doubtful else is_held)(value[begin:]) else None


def without_scheme(value: str) -> int:
    """Return where in `value` the credential starts, after the name of its scheme: `Bearer `, `Basic `."""
    scheme = _SCHEME.match(value)
    return scheme.end() if scheme is not None else 0


def _is_wordy(part: str) -> bool:
    if part.lower() in _WORDS:
        return True
    humps = _HUMP.findall(part)
    return len(humps) > 1 and "".join(humps) == part and all(hump.lower() in _WORDS for hump in humps)


def _is_humped(value: str) -> bool:
    """Whether `value` is a name of code, such as `userInput` or `newPassword`, or has a word of `_WORDS` in it."""
    return len(_HUMP.findall(value)) > 1 and value[:1].islower()


def _is_cut(value: str) -> bool:
    """Whether `value` may be code that goes on before its bracket is closed: `f"password={of[user]}"`."""
    bare = value.removeprefix("$")
    closing = _BRACKETS.get(bare[:1])
    return closing is not None and bare.count(bare[0]) > bare.count(closing) and _NAMES.fullmatch(bare) is not None


def _is_sentence(value: str) -> bool:
    return value.count(" ") >= 2 and _SENTENCE.search(value) is not None
