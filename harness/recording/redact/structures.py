"""Secrets that the structure around them gives away: key blocks, URLs, headers, command lines, forms with parts.

Each looks for a literal first and then at a bounded stretch around it, so that the time for a text grows with its
length and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from harness.recording.redact.announced import Found
from harness.recording.redact.names import weight
from harness.recording.redact.passage import FILLERS, decoded_base64
from harness.recording.redact.values import is_held, is_held_bare, is_placeholder

#: Yields the secrets of one structure in a text.
Find = Callable[[str], Iterator[Found]]


def live_structures(words: frozenset[str], lowered: str) -> list[Find]:
    """Return what could find a secret in a text that is `lowered` in lower case and has `words`."""
    return [
        find
        for needed, shape, find in _STRUCTURES
        if (not needed or not words.isdisjoint(needed))
        and (
            shape.search(lowered) is not None
            if isinstance(shape, re.Pattern)
            else any(map(lowered.__contains__, shape))
        )
    ]


#: The header of a private key; then lines of names and values, in the older forms; then base64.
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:[ \t]{0,4}(?:\r?\n|\\r|\\n){1,4}|[ \t])"
    r"(?:[A-Za-z-]{1,30}: [^\r\n\\]{0,200}(?:\r?\n|\\r|\\n){1,4}){0,8}"
    r"(?P<secret>(?:[A-Za-z0-9+/=*]|[ \t\r\n]|\\r|\\n|\\(?=\r|\n))++)"
)
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=*]{16}")
_PUTTY = re.compile(
    r"Private-Lines: [0-9]{1,4}(?:\r?\n|\\n)(?P<secret>(?:[A-Za-z0-9+/=*]|\r?\n(?!Private)|\\n(?!Private))++)"
)
_PUTTY_MAC = re.compile(r"Private-(?:MAC|Hash): (?P<secret>[0-9a-f*]{32,128})")


def _private_keys(text: str) -> Iterator[Found]:
    for match in _PEM.finditer(text):
        if _KEY_LINE.search(match["secret"]) and not is_placeholder(match["secret"]):
            yield Found("private-key", *match.span("secret"))
    for pattern in (_PUTTY, _PUTTY_MAC):
        for match in pattern.finditer(text):
            yield Found("private-key", *match.span("secret"))


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}\Z")
_LOGIN = re.compile(r"[^\s/?#:@\"'<>\\]{0,256}+:(?P<secret>[^\s\"'<>\\/]{1,512}+)")
#: None, before a path, is a socket of the same machine.
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]|[$%<{][^\s@\"'<>\\]{1,80}|(?=/[A-Za-z0-9_?]))")
_PORT = re.compile(r"[0-9]{1,5}(?:[?#]|\Z)")
_USER_TOKEN = re.compile(r"(?P<secret>[A-Za-z0-9_.~%*-]{16,512}+)(?::(?:x-oauth-basic|)?)?@")


def _urls(text: str) -> Iterator[Found]:
    position = text.find("://")
    while position >= 0:
        begin = position + 3
        if _SCHEME.search(text, max(0, position - 32), position) is not None:
            found = _password_of(text, begin) or _user_token(text, begin)
            if found is not None:
                yield found
                begin = found.stop
        position = text.find("://", begin)


def _password_of(text: str, begin: int) -> Found | None:
    match = _LOGIN.match(text, begin)
    if match is None or "@" not in match["secret"]:
        return None
    # The last `@` that a host follows: a password may have one too.
    start = match.start("secret")
    stop = start + match["secret"].rfind("@")
    password = text[start:stop]
    if _HOST.match(text, stop + 1) is None or not password or _PORT.match(password) or not is_held(password):
        return None
    return Found("url-password", start, stop)


def _user_token(text: str, begin: int) -> Found | None:
    match = _USER_TOKEN.match(text, begin)
    if match is None or not any(char.isdecimal() or char in FILLERS for char in match["secret"]):
        return None
    return Found("url-user-token", *match.span("secret")) if is_held(match["secret"]) else None


_AUTHORIZATION = re.compile(
    r"authorization[\\\"'`\])*]{0,4}\s{0,3}[:=,]\s{0,3}[\\\"'`]{0,4}(?P<value>[^\r\n]{0,1000})",
    re.ASCII | re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:bearer|basic)\s{1,4}(?P<secret>[A-Za-z0-9._~+/*-]{6,}+={0,2})", re.ASCII | re.IGNORECASE)
_WITH_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9-]{1,30})[ \t]{1,4}(?P<rest>\S.{0,990})", re.ASCII)
_PARAMETER = re.compile(
    r"[,\s]{0,3}(?P<name>[A-Za-z_][A-Za-z0-9_-]{0,40})=(?:\\?\"(?P<quoted>[^\"\\]{0,400})\\?\"|(?P<bare>[^\s,\"'\\]{0,400}))"
)
#: What a challenge is about, and no part of the answer.
_PUBLIC_PARAMETERS = frozenset(
    {"algorithm", "charset", "id", "nc", "qop", "realm", "signedheaders", "headers", "keyid", "ts", "uri", "username"}
    | {"version", "oauth_version", "oauth_signature_method", "oauth_timestamp", "userhash"}
)
_CREDENTIAL = re.compile(r"[A-Za-z0-9._~+/=*:|%!-]{1,800}+")


def _authorizations(text: str) -> Iterator[Found]:
    for match in _AUTHORIZATION.finditer(text):
        begin, stop = match.span("value")
        if (scheme := _WITH_SCHEME.match(text, begin, stop)) is not None:
            begin = scheme.start("rest")
            yield from _parameters(text, begin, stop)
        yield from _credential(text, begin, stop)
    for match in _BEARER.finditer(text):
        if _is_credential(match["secret"]):
            yield Found("bearer", *match.span("secret"))


def _parameters(text: str, begin: int, stop: int) -> Iterator[Found]:
    while (match := _PARAMETER.match(text, begin, stop)) is not None:
        group = "quoted" if match["quoted"] is not None else "bare"
        if match["name"].lower() not in _PUBLIC_PARAMETERS and is_held(match[group]) and len(match[group]) >= 4:
            yield Found("authorization", *match.span(group))
        begin = max(match.end(), begin + 1)


def _credential(text: str, begin: int, stop: int) -> Iterator[Found]:
    match = _CREDENTIAL.match(text, begin, stop)
    if match is not None and _is_credential(match.group()) and _PARAMETER.match(text, begin, stop) is None:
        yield Found("authorization", *match.span())


def _is_credential(value: str) -> bool:
    """Whether what stands where a credential does is one, and no word of a sentence."""
    if not is_held(value) or len(value) < 6:
        return False
    if any(char.isdecimal() or char in FILLERS for char in value):
        return len(value) >= 8 or _is_user_and_password(value)
    return (
        len(value) >= 32
        or _is_user_and_password(value)
        or (len(value) >= 16 and not (value.islower() or value.isupper() or value.istitle()))
    )


def _is_user_and_password(encoded: str) -> bool:
    decoded = decoded_base64(encoded)
    return b":" in decoded and decoded.isascii() and all(byte >= 32 for byte in decoded)


_COOKIE = re.compile(
    r"(?<![a-z])(?:set-)?cookie\\?['\"]?\s?:\s?\\?['\"]?(?P<secret>[^\s\"'\\=;]{1,100}=[^\r\n\"'\\]{4,})",
    re.ASCII | re.IGNORECASE,
)


def _cookies(text: str) -> Iterator[Found]:
    for match in _COOKIE.finditer(text):
        _, _, value = match["secret"].partition("=")
        if is_held(value.partition(";")[0]):
            yield Found("cookie", *match.span("secret"))


_PART = re.compile(
    r"name=\"(?P<name>[^\"\r\n]{1,100})\"(?:;[^\r\n]{0,200})?\r?\n(?:[^\r\n]{1,400}\r?\n){0,8}?\r?\n(?P<secret>[^\r\n]{1,4000})"
)
_NETRC = re.compile(
    r"\b(?:login|machine|default|account)\s{1,8}\S{1,200}\s{1,8}(?:(?:login|account)\s{1,8}\S{1,200}\s{1,8}){0,2}password\s{1,8}(?P<secret>\S{1,200})"
)
_SECURE_STRING = re.compile(
    r"ConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?[\"'](?P<secret>[^\"'\r\n]{1,200})[\"']", re.IGNORECASE
)
_IDENTIFIED = re.compile(
    r"IDENTIFIED\s{1,4}(?:WITH\s{1,4}\S{1,60}\s{1,4})?(?:BY|AS)\s{1,4}(?:PASSWORD\s{1,4})?'(?P<secret>[^'\r\n]{1,200})'",
    re.IGNORECASE,
)
#: An XML or HTML tag of which one attribute names what another holds: `<add key="password" value="…"/>`.
_NAMED_TAG = re.compile(
    r"(?:(?<![A-Za-z0-9_-])key|<[A-Za-z][^<>]{0,200}?\s(?:name|id|type))=[\"'](?P<name>[^\"'<>]{1,80})[\"'][^<>]{0,200}?\svalue=[\"'](?P<secret>[^\"'<>\r\n]{1,400})[\"']",
    re.IGNORECASE,
)
_TAG_NAMED = re.compile(
    r"<[A-Za-z][^<>]{0,200}?\svalue=[\"'](?P<secret>[^\"'<>\r\n]{1,400})[\"'][^<>]{0,200}?\s(?:key|name|id|type)=[\"'](?P<name>[^\"'<>]{1,80})[\"']",
    re.IGNORECASE,
)
#: What code wraps a secret in, so that it is not printed.
_WRAPPED = re.compile(
    r"\b(?:Secret(?:Str|Bytes|String)|Secret\.from_token)\(\s{0,40}[bru]{0,2}(?P<quote>[\"'])(?P<secret>[^\"'\r\n]{1,400})(?P=quote)"
)
#: A variable of Terraform's, and the value that it has where none is given.
_VARIABLE = re.compile(
    r"\bvariable\s{1,4}\"(?P<name>[^\"\r\n]{1,80})\"\s{0,4}\{[^{}]{0,400}?\bdefault\s{0,40}=\s{0,4}\"(?P<secret>[^\"\r\n]{1,400})\""
)
#: How Python shows a cookie of a client.
_SHOWN_COOKIE = re.compile(r"<Cookie [^\s=<>]{1,100}=(?P<secret>[^\s<>]{4,4000}) for ")


_COOKIE_OPTION = re.compile(
    r"\s(?:-b|--cookie)(?:\s{1,4}|=)[\"']?(?P<secret>[A-Za-z0-9_.-]{1,60}=[^\s\"']{4,1000})", re.ASCII
)
#: What a command is told by `echo`.
_PIPED = re.compile(
    r"\b(?:echo(?:\s{1,4}-n)?|printf)\s{1,4}(?P<quote>[\"']?)(?:[\w.-]{1,60}:)?(?P<secret>[^\s\"'|]{1,200})(?P=quote)\s{0,4}\|\s{0,4}"
    r"(?:sudo\s{1,4}-S\b|(?:sudo\s{1,4})?chpasswd\b|[^|\r\n]{1,200}?\s--(?:password-stdin|with-token)\b)"
)
#: The name of a database as Go's drivers write it.
_GO_DSN = re.compile(r"(?<![\w.-])[\w.-]{1,60}:(?P<secret>[^\s\"'`@]{1,200})@(?:tcp|unix)\(")
#: A name and its value, each a line of YAML or an element of XML, as of a container's environment.
_NAMED_LINES = re.compile(
    r"\bname:[ \t]{1,4}[\"']?(?P<name>[A-Za-z0-9_.-]{1,80})[\"']?[ \t]{0,4}\r?\n[ \t]{0,40}value:[ \t]{1,4}[\"']?(?P<secret>[^\s\"'{}]{1,400})"
)
_NAMED_ELEMENTS = re.compile(
    r"(?:<(?:name|key)>(?P<name>[^<>\r\n]{1,80})</(?:name|key)>|<[A-Za-z][^<>]{0,200}?\s(?:name|key)=[\"'](?P<title>[^\"'<>]{1,80})[\"'][^<>]{0,200}>)"
    r"\s{0,80}(?:<value>|(?=<string>))(?:<string>)?(?P<secret>[^<>\r\n]{1,400})</"
)
#: A call that is given a secret: `setPassword("…")`, `auth=("me", "…")`, `HTTPBasicAuth("me", "…")`.
_SETTER = re.compile(
    r"\b(?:set|with)_?(?P<name>[A-Za-z][A-Za-z_]{1,40})\(\s{0,40}(?P<quote>[\"'])(?P<secret>[^\"'\r\n]{4,400})(?P=quote)\s{0,40}\)"
)
_LOGIN_CALL = re.compile(
    r"(?:\bauth[\"']?\s?[:=]\s?|(?:\bHTTP(?:Basic|Digest)Auth|\bBasicAuth|\bNetworkCredential|UsernamePasswordCredentials|\.login))"
    r"\(\s{0,40}(?P<quote>[\"'])[^\"'\r\n]{1,100}(?P=quote)\s{0,4},\s{0,40}(?P=quote)(?P<secret>[^\"'\r\n]{4,200})(?P=quote)\s{0,40}\)"
)
_PASS_PHRASE = re.compile(r"\s-pass(?:in|out)?\s{1,4}[\"']?pass:(?P<secret>[^\s\"']{1,200})")
_SQLPLUS = re.compile(r"\bsqlplus\s{1,4}(?:-\S{1,10}\s{1,4}){0,4}[\w$#]{1,60}/(?P<secret>[^\s@/]{1,100})@")
#: A line of `.pgpass`: host, port, database, user, password.
_PGPASS = re.compile(
    r"(?<![A-Za-z0-9.*_:-])[A-Za-z0-9.*_-]{1,100}+:(?:[0-9]{4,5}|\*):[A-Za-z0-9*_-]{1,63}:[A-Za-z0-9*_-]{1,63}"
    r":(?P<secret>[^\s:\"'`\\,;|<>]{6,100}+)(?!:)",
    re.ASCII,
)


def _netrc(text: str) -> Iterator[Found]:
    for match in _NETRC.finditer(text):
        if is_held_bare(match["secret"], " ", stated=True):
            yield Found("netrc", *match.span("secret"))


def _literals(pattern: re.Pattern[str], rule: str) -> Find:
    def find(text: str) -> Iterator[Found]:
        for match in pattern.finditer(text):
            fields = match.groupdict()
            name = fields.get("name") or fields.get("title")
            if (name is None or weight(name) == "secret") and is_held(match["secret"]):
                yield Found(rule, *match.span("secret"))

    return find


#: Programs by the option that gives them a password: joined to it, or after a space as well.
_PROGRAMS: Final = {
    r"\s-p": (
        *("7z", "7za", "mariadb", "mysql", "mysqladmin", "mysqlcheck", "mysqldump", "mysqlimport", "mysqlpump"),
        *("mysqlsh", "mysqlshow", "mysqlslap"),
    ),
    r"\s-p\s{0,4}": (
        *("az login", "buildah login", "docker login", "helm registry login", "nerdctl login", "podman login", "ftp"),
        *("htpasswd", "mongo", "mongodump", "mongoexport", "mongoimport", "mongorestore", "mongosh", "rabbitmqadmin"),
        *("rclone", "sshpass", "vncviewer"),
    ),
    r"\s-P\s{0,4}": ("bcp", "sqlcmd", "unzip", "zip"),
    r"\s-a\s{0,4}": ("redis-cli",),
    r"\s-w\s{0,4}": ("ldapadd", "ldapdelete", "ldapmodify", "ldapsearch", "ldapwhoami"),
    r"\s-N\s{0,4}": ("ssh-keygen",),
    r"\s-U\s{0,4}": ("smbclient",),
}
_PROGRAM_WORDS: Final = tuple({re.split("[ -]", program)[0] for each in _PROGRAMS.values() for program in each})
_COMMANDS: Final = tuple(
    (
        re.compile(rf"\b(?:{'|'.join(programs)})\b(?P<rest>[^\r\n|;]{{0,400}})"),
        re.compile(rf"{option}[\"']?(?P<secret>[^\s\"']{{1,200}})"),
    )
    for option, programs in _PROGRAMS.items()
)
_LOGIN_OPTION = re.compile(
    r"(?:\A|\s)(?:-u|-U|--user|--proxy-user|--basic|--auth)(?:\s{1,4}|=)?(?P<quote>[\"']?)(?P<user>[^\s:\"'=/]{1,100}):(?P<secret>[^\s\"']{1,200}|[^\"'\r\n]{1,200}(?=[\"']))"
)


def _commands(text: str) -> Iterator[Found]:
    for command, option in _COMMANDS:
        for match in command.finditer(text):
            for given in option.finditer(text, *match.span("rest")):
                value = given["secret"]
                if is_held(value) and not value.startswith("-") and not value.isdecimal():
                    yield Found("command", *given.span("secret"))


def arguments(text: str) -> Iterator[Found]:
    """Yield the secrets in the arguments of a command, with a space between them, that no name announces."""
    yield from _commands(text)
    yield from _logins(text)


def _logins(text: str) -> Iterator[Found]:
    for match in _LOGIN_OPTION.finditer(text):
        secret, user = match["secret"], match["user"]
        if secret.isdecimal() or secret == user or user.startswith(("$", "<", "{")) or not is_held(secret):
            continue
        if len(secret) >= 8 or not secret.isalpha():
            yield Found("command", *match.span("secret"))


#: But for a page's path, as of AWS's manuals.
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])(?!(?:com|cn|dev|io|net|org)/)(?P<secret>[A-Za-z0-9/+]{40,}+)")
_AWS_NEAR = re.compile(r"aws|secret|(?:AKIA|ASIA)[A-Z0-9*]{16}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]+")


def _aws_secrets(text: str) -> Iterator[Found]:
    for match in _AWS_SECRET.finditer(text):
        secret = match["secret"]
        if len(secret) != 40 or text[match.end() : match.end() + 1] == "=" or _HEX.fullmatch(secret):
            continue
        if _AWS_NEAR.search(text, max(0, match.start() - 60), match.start()) and not is_placeholder(secret):
            yield Found("aws-secret-key", *match.span("secret"))


_DOTTED = re.compile(r"\.[a-z0-9_-]{6}\.[a-z0-9_-]{27}")
_DISCORD = re.compile(r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_-])")
_DISCORD_HEAD = re.compile(r"(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{23,27}\Z")


def _discord(text: str) -> Iterator[Found]:
    for match in _DISCORD.finditer(text):
        # Slicing lets the look behind end where the first part does.
        begin = max(0, match.start() - 29)
        head = _DISCORD_HEAD.search(text[begin : match.start()])
        if head is not None:
            yield Found("discord-token", begin + head.start(), match.end())


#: Words of which one must stand in a text, where that helps; literals of which one must, or a shape, in lower case; and
#: what then looks.
_STRUCTURES: tuple[tuple[tuple[str, ...], tuple[str, ...] | re.Pattern[str], Find], ...] = (
    (("private",), ("private key", "private-lines"), _private_keys),
    ((), ("://",), _urls),
    (("authorization", "bearer", "basic"), ("",), _authorizations),
    (("cookie",), (":",), _cookies),
    (("name",), ('name="',), _literals(_PART, "form-part")),
    (("password",), ("login", "machine", "default", "account"), _netrc),
    (("convertto",), ("-securestring",), _literals(_SECURE_STRING, "command")),
    (("identified",), ("'",), _literals(_IDENTIFIED, "sql")),
    (("value",), ("value=",), _literals(_NAMED_TAG, "settings")),
    (("value",), ("value=",), _literals(_TAG_NAMED, "settings")),
    (("secretstr", "secretbytes", "secretstring", "secret"), ("secret",), _literals(_WRAPPED, "code")),
    (("variable",), ("default",), _literals(_VARIABLE, "settings")),
    (("cookie",), ("<cookie ",), _literals(_SHOWN_COOKIE, "cookie")),
    (_PROGRAM_WORDS, (" -", "\t-"), _commands),
    (("curl", "wget", "http"), (" -b", "--cookie"), _literals(_COOKIE_OPTION, "cookie")),
    (("sudo", "chpasswd", "stdin", "token"), ("echo", "printf"), _literals(_PIPED, "command")),
    (("openssl",), ("pass:",), _literals(_PASS_PHRASE, "command")),
    (("tcp", "unix"), ("@tcp(", "@unix("), _literals(_GO_DSN, "url-password")),
    (("value",), ("value:",), _literals(_NAMED_LINES, "settings")),
    (("value", "string"), ("<value>", "<string>"), _literals(_NAMED_ELEMENTS, "settings")),
    ((), ("key(", "token(", "secret(", "password(", "passphrase(", "string("), _literals(_SETTER, "code")),
    (
        (),
        ("auth(", "auth=(", "auth = (", "auth': (", 'auth": (', "login(", "credential(", "credentials("),
        _literals(_LOGIN_CALL, "code"),
    ),
    (("sqlplus",), ("/",), _literals(_SQLPLUS, "command")),
    ((), re.compile(r":(?:[0-9]{4,5}|\*):"), _literals(_PGPASS, "pgpass")),
    ((), (" -u", "-user ", "-user=", "--auth"), _logins),
    ((), ("aws", "secret", "akia", "asia"), _aws_secrets),
    ((), _DOTTED, _discord),
)
