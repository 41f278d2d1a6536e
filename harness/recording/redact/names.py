"""Names of fields: those whose value is a secret whatever it looks like, and those that no rule may touch.

Names are compared without case, `_`, `-`, `.` and spaces, so that `apiKey`, `api_key` and `X-API-Key` are one. The same
names count wherever they stand: in JSON, in a query, in a form, in settings, in code and in a sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

#: How far a name settles what its value is: `secret` by itself, `doubtful` together with the look of the value.
Weight = Literal["secret", "doubtful", "none"]

#: Of `pass` and `pwd`, which mean other things too, those are secret that say whose password it is.
_OWNERS = (
    *("admin", "auth", "db", "email", "ftp", "http", "key", "keystore", "ldap", "login", "mail", "mongo", "mq"),
    *("mysql", "pg", "postgres", "proxy", "rabbitmq", "redis", "root", "smtp", "sql", "ssh", "store", "truststore"),
    *("user", "vault", "wifi"),
)
#: A field is secret when its name ends with one of these: `OPENAI_API_KEY`, `aws_secret_access_key`, `dbPassword`.
_SECRET_ENDINGS = (
    *("accesskey", "accesskeyid", "accesstoken", "accountkey", "adminkey", "apikey", "apikeys", "apisecret"),
    *("apitoken", "applicationkey", "functionskey"),
    *("apppassword", "authkey", "authorization", "authtoken", "bearertoken", "becomepass", "bottoken"),
    *("clientassertion", "clientkey", "clientkeydata", "clientsecret", "connectionstring", "credential"),
    *("credentials", "encryptionkey", "githubtoken", "hftoken", "idtoken", "jwt", "masterkey", "npmtoken"),
    *("passcode", "passphrase", "passwd", "password", "passwords", "personaltoken", "privatekey", "privatetoken"),
    *("refreshtoken", "sastoken", "secret", "secretaccesskey", "secretkey", "secretkeybase", "securitytoken"),
    # What AWS keeps in its Secrets Manager, where it is no JSON of named ones.
    *("secretbinary", "secretstring"),
    *("servicetoken", "sessiontoken", "sharedaccesskey", "sharedkey", "signingkey", "slacktoken"),
    *("subscriptionkey", "usertoken"),
    *(f"{whose}{short}" for short in ("pass", "pwd") for whose in _OWNERS),
)
#: Secret only when the name is exactly this; longer names that end so mean other things.
_SECRET_NAMES = frozenset(
    {"auth", "codeverifier", "cookie", "cookies", "mcpsessionid", "privatekeyid", "psk", "pwd", "secrets", "setcookie"}
    | {"signedurl", "xamzsignature", "xgoogsignature"}
)
#: `hasPassword`, `show_secret`: what stands there is an answer, not the secret.
_QUESTION = re.compile(r"(?:is|has|no|needs?|requires?|shows?|hides?|forgot|use[sd]?|with)(?:[_\-\s]|(?=[A-Z]))")

#: What these name is a credential in one place and something else in another.
_DOUBTFUL_NAMES = frozenset(
    {"accesscode", "authcode", "authorizationcode", "connectsid", "devicecode", "jsessionid", "licensekey", "pass"}
    | {"passkey", "phpsessid"}
)
#: As it is written here, it is a cookie of Django's; written in another way, the id of anything.
_COOKIE_NAME = "sessionid"
#: A token that is no credential: where to go on in a list, or a piece of text that means something to a model.
_OTHER_TOKEN = re.compile(
    r"(?:next|page|cursor|continuation|pagination|sync|start|resume|stop|eos|bos|pad|unk|cls|sep|mask|special|max|min|per)"
    r"[a-z]{0,8}token\Z"
)
_SETTING = re.compile(r"[A-Z][A-Z0-9_]{0,40}_KEY\Z")
_OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9_.-]{0,60}", re.ASCII)
#: So many characters has what looks like a credential by itself.
SHORTEST_OPAQUE = 16
_LOOKS_OPAQUE = re.compile(rf"(?=[^0-9*]{{0,200}}[0-9*])[A-Za-z0-9._~+/=*|-]{{{SHORTEST_OPAQUE},}}", re.ASCII)

#: What is a credential in the query of a URL or in a form, and any other thing elsewhere.
_QUERY_NAMES = frozenset(
    {"awsaccesskeyid", "googleaccessid", "jwt", "key", "sas", "sig", "signature", "token", "accesscode", "authcode"}
    | {"pass", "appkey", "assertion", "connectsid", "devicecode", "jsessionid", "phpsessid", "pw"}
)
#: The same, where it looks like one: a ticket is a service's, or a bug's, and OpenWeatherMap's `appid` is a key.
_DOUBTFUL_QUERY_NAMES = frozenset({"appid", "ticket"})
#: What stands there where it is that other thing: what to sort or to look up by, and whether something is so.
_QUERY_WORDS = frozenset(
    {"all", "asc", "date", "desc", "false", "id", "index", "name", "no", "price", "size", "title", "true", "value"}
    | {"yes"}
)

#: Provider fields that are opaque on purpose and that the provider verifies: one changed character and the next
#: request is refused. Anthropic: signature, redacted_thinking. Gemini: thoughtSignature. OpenAI: encrypted_content,
#: obfuscation, system_fingerprint. Bedrock: redactedContent.
_EXEMPT_NAMES = frozenset(
    {"encryptedcontent", "encryptedindex", "encryptedstdout", "obfuscation", "redactedcontent", "signature"}
    | {"systemfingerprint", "thoughtsignature"}
)
#: `data` is exempt in a part of one of these types (Anthropic; OpenRouter's reasoning details).
_EXEMPT_DATA_TYPES = frozenset({"redacted_thinking", "reasoning.encrypted"})

#: The words of JSON Schema: a tool's parameter may be named `password`, and its type is no secret. And what lists of
#: secrets and cookies tell of each.
_SCHEMA_WORDS = frozenset(
    {"$ref", "allof", "anyof", "const", "default", "description", "enum", "examples", "format", "maximum", "maxlength"}
    | {"minimum", "minlength", "oneof", "pattern", "required", "title", "type"}
    | {"domain", "in", "kind", "name", "path", "samesite", "scope", "status"}
)


@lru_cache(maxsize=4096)
def _normal(name: str) -> str:
    return re.sub(r"[_\-.\s$@:]", "", name).lower()


@lru_cache(maxsize=4096)
def weight(name: str, own: frozenset[str] = frozenset()) -> Weight:
    """Return how far `name` settles that its value is a secret; `own` are the names that a project adds."""
    normal = _normal(name)
    if normal in own:
        return "secret"
    last = _normal(name.rpartition(".")[2])
    if normal in _SECRET_NAMES or last in _SECRET_NAMES or normal.endswith(_SECRET_ENDINGS):
        return "none" if _QUESTION.match(name) else "secret"
    if normal in _DOUBTFUL_NAMES or last in _DOUBTFUL_NAMES or name == _COOKIE_NAME or _SETTING.search(name):
        return "doubtful"
    return "doubtful" if normal.endswith("token") and not _OTHER_TOKEN.search(normal) else "none"


def is_secret_name(name: str, own: frozenset[str] = frozenset()) -> bool:
    """Return whether whatever stands under `name` is a secret, but for what only stands in a secret's place."""
    return weight(name, own) == "secret"


def is_option(name: str) -> bool:
    """Return whether `name` is written as an option of a command: `--api-key`."""
    return name[:1] == "-" and _OPTION.fullmatch(name) is not None


def is_query_name(name: str) -> bool:
    """Return whether `name` names a credential in a query or form."""
    return _normal(name) in _QUERY_NAMES


def query_weight(name: str, own: frozenset[str] = frozenset()) -> Weight:
    """Return how far `name`, in a query or form, settles that its value is a secret; `own` as for `weight`."""
    settles = weight(name, own)
    if settles != "none":
        return "secret"
    normal = _normal(name)
    return "secret" if normal in _QUERY_NAMES else "doubtful" if normal in _DOUBTFUL_QUERY_NAMES else "none"


def is_query_word(value: str) -> bool:
    """Return whether `value` is no credential, although the name of one stands before it in a query or form."""
    return value.lower() in _QUERY_WORDS


def normal_names(names: tuple[str, ...]) -> frozenset[str]:
    """Return `names` as they are compared."""
    return frozenset(_normal(name) for name in names)


def looks_opaque(value: str) -> bool:
    """Return whether `value`, under a doubtful name, looks like a credential: long, of one piece, with a digit."""
    return _LOOKS_OPAQUE.fullmatch(value) is not None


def is_exempt(name: str, part_type: str | None) -> bool:
    """Return whether no rule applies under `name`, in a part whose `type` is `part_type`."""
    return _normal(name) in _EXEMPT_NAMES or (name == "data" and part_type in _EXEMPT_DATA_TYPES)


def is_schema_word(name: str) -> bool:
    """Return whether `name` belongs to a schema that describes a secret, not to the secret."""
    return name.lower() in _SCHEMA_WORDS
