"""Names of fields: those whose value is a secret whatever it looks like, and those that no rule may touch.

Names are compared without case, `_`, `-`, `.` and spaces, so that `apiKey`, `api_key` and `X-API-Key` are one.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: A field is secret when its name ends with one of these: `OPENAI_API_KEY`, `aws_secret_access_key`, `dbPassword`.
_SECRET_ENDINGS = (
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "accountkey",
    "apikey",
    "apikeys",
    "apisecret",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "bearertoken",
    "bottoken",
    "clientassertion",
    "clientkey",
    "clientsecret",
    "connectionstring",
    "credential",
    "credentials",
    "encryptionkey",
    "githubtoken",
    "hftoken",
    "idtoken",
    "jwt",
    "masterkey",
    "npmtoken",
    "passphrase",
    "passwd",
    "password",
    "personaltoken",
    "privatekey",
    "refreshtoken",
    "sastoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "securitytoken",
    "servicetoken",
    "sessiontoken",
    "sharedkey",
    "signingkey",
    "slacktoken",
    "subscriptionkey",
    "usertoken",
)
#: Secret only when the name is exactly this; longer names that end so mean other things.
_SECRET_NAMES = frozenset({"auth", "cookie", "cookies", "privatekeyid", "pwd", "secrets", "setcookie", "signedurl"})
#: What `token` names is a credential in one place and a piece of text in another: its look decides.
_DOUBTFUL_NAMES = frozenset({"token", "xtoken", "deploytoken", "accesscode", "authcode", "authorizationcode"})
_LOOKS_OPAQUE = re.compile(r"(?=[^\s]*[0-9*])[A-Za-z0-9._~+/=*-]{16,}", re.ASCII)

#: Provider fields that are opaque on purpose and that the provider verifies: one changed character and the next
#: request is refused. Anthropic: signature, redacted_thinking. Gemini: thoughtSignature. OpenAI: encrypted_content,
#: obfuscation, system_fingerprint. Bedrock: redactedContent.
_EXEMPT_NAMES = frozenset(
    {
        "encryptedcontent",
        "encryptedindex",
        "encryptedstdout",
        "obfuscation",
        "redactedcontent",
        "signature",
        "systemfingerprint",
        "thoughtsignature",
    }
)
#: `data` is exempt in a part of one of these types (Anthropic; OpenRouter's reasoning details).
_EXEMPT_DATA_TYPES = frozenset({"redacted_thinking", "reasoning.encrypted"})

#: The words of JSON Schema: a tool's parameter may be named `password`, and its type is no secret.
_SCHEMA_WORDS = frozenset(
    {
        "$ref",
        "allof",
        "anyof",
        "const",
        "default",
        "description",
        "enum",
        "examples",
        "format",
        "maximum",
        "maxlength",
        "minimum",
        "minlength",
        "oneof",
        "pattern",
        "required",
        "title",
        "type",
    }
)

#: Substrings, in lower case, of which one occurs wherever a secret name does. They make a text without one cheap.
#: `token` alone would occur in every response: `total_tokens`.
NAME_ANCHORS = (
    *("auth", "cookie", "credential", "jwt", "key", "passphrase", "passw", "pwd", "secret"),
    *("accesscode", "access_code", "clientassertion", "client_assertion", "signedurl", "signed_url"),
    *("connectionstring", "connection_string", "connection-string"),
    *('token"', 'token\\"', "token'", "token=", "token:", "token =", "token :", "token is", "token was"),
)


@lru_cache(maxsize=4096)
def _normal(name: str) -> str:
    return re.sub(r"[_\-.\s]", "", name).lower()


def is_secret_name(name: str) -> bool:
    """Return whether whatever stands under `name` is a secret."""
    normal = _normal(name)
    return normal in _SECRET_NAMES or normal.endswith(_SECRET_ENDINGS)


def is_secret_value(name: str, value: str) -> bool:
    """Return whether `value`, under a `name` that does not settle it, looks like a credential."""
    return _normal(name) in _DOUBTFUL_NAMES and _LOOKS_OPAQUE.fullmatch(value) is not None


def is_exempt(name: str, part_type: str | None) -> bool:
    """Return whether no rule applies under `name`, in a part whose `type` is `part_type`."""
    return _normal(name) in _EXEMPT_NAMES or (name == "data" and part_type in _EXEMPT_DATA_TYPES)


def is_schema_word(name: str) -> bool:
    """Return whether `name` belongs to a schema that describes a secret, not to the secret."""
    return name.lower() in _SCHEMA_WORDS
