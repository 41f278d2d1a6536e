"""Secrets to plant: one row for each form, none of them real.

The values are derived, not written out, so that a scanner that reads this repository finds none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import string
from dataclasses import dataclass

_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_BASE64 = string.ascii_letters + string.digits + "+/"


def _opaque(seed: str, length: int, alphabet: str = _WORD) -> str:
    """A random-looking text that is the same in every run, with a letter and a digit among its first characters."""
    stream = hashlib.shake_256(seed.encode()).digest(length)
    return ("a7" + "".join(alphabet[byte % len(alphabet)] for byte in stream))[:length]


def _upper(seed: str, length: int) -> str:
    return _opaque(seed, length).upper()


def _jwt(seed: str) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": seed, "iat": 1700000000})
    head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{claims}.{_opaque(seed, 43)}"


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret in a text that gives it away."""

    id: str
    #: What stands around the secret, with `@@` in its place.
    around: str
    #: The whole credential as its owner would copy it.
    value: str
    #: The part that must leave no trace: without a prefix that all keys of the kind share.
    core: str

    @property
    def text(self) -> str:
        """The text with the secret in it."""
        return self.around.replace("@@", self.value)


def _key(name: str, prefix: str, body: str, around: str = "use @@ for it") -> Planted:
    return Planted(name, around, prefix + body, body)


def _named(name: str, around: str, value: str) -> Planted:
    return Planted(name, around, value, value)


def _pem(kind: str) -> Planted:
    lines = "\n".join(_opaque(f"{kind}{line}", 64, _BASE64) for line in range(4))
    # Joined here, so that no scanner takes this file for a key.
    begin, end = (f"-----{word} {kind}PRIVATE KEY-----" for word in ("BEGIN", "END"))
    return Planted(f"pem-{kind.strip().lower() or 'pkcs8'}", f"{begin}\n@@\n{end}\n", lines, lines)


#: Found by their form, wherever they stand.
BY_FORM: tuple[Planted, ...] = (
    _key("openai", "sk-", _opaque("openai", 48)),
    _key("openai-project", "sk-proj-", _opaque("openai-project", 124)),
    _key("openai-service-account", "sk-svcacct-", _opaque("openai-service", 74)),
    _key("openai-admin", "sk-admin-", _opaque("openai-admin", 74)),
    _key("openai-marker", "sk-", f"{_opaque('m1', 20)}T3BlbkFJ{_opaque('m2', 20)}"),
    _key("openai-session", "sess-", _opaque("openai-session", 40)),
    _key("openai-ephemeral", "ek_", _opaque("openai-ephemeral", 32, _HEX)),
    _key("openai-in-error", "sk-proj-", _opaque("in-error", 48), "Incorrect API key provided: @@. You can find your"),
    _key("anthropic", "sk-ant-api03-", f"{_opaque('anthropic', 93)}AA"),
    _key("anthropic-admin", "sk-ant-admin01-", _opaque("anthropic-admin", 93)),
    _key("anthropic-oauth", "sk-ant-oat01-", _opaque("anthropic-oauth", 93)),
    _key("openrouter", "sk-or-v1-", _opaque("openrouter", 64, _HEX)),
    _key("google-api", "AIza", f"Sy{_opaque('google-api', 33)}"),
    _key("google-oauth", "ya29.", _opaque("google-oauth", 120)),
    _key("google-refresh", "1//0", _opaque("google-refresh", 60)),
    _key("google-client-secret", "GOCSPX-", _opaque("google-client", 28)),
    _key("groq", "gsk_", _opaque("groq", 52)),
    _key("xai", "xai-", _opaque("xai", 80)),
    _key("perplexity", "pplx-", _opaque("perplexity", 48)),
    _key("replicate", "r8_", _opaque("replicate", 37)),
    _key("fireworks", "fw_", _opaque("fireworks", 24)),
    _key("cerebras", "csk-", _opaque("cerebras", 48)),
    _key("nvidia", "nvapi-", _opaque("nvidia", 64)),
    _key("huggingface", "hf_", _opaque("huggingface", 34)),
    _key("langsmith", "lsv2_pt_", f"{_opaque('langsmith', 32, _HEX)}_{_opaque('langsmith2', 10, _HEX)}"),
    _key("pinecone", "pcsk_", _opaque("pinecone", 60)),
    _key("tavily", "tvly-", _opaque("tavily", 32)),
    _key("aws-access-key-id", "AKIA", _upper("aws-id", 16)),
    _key("aws-temporary-key-id", "ASIA", _upper("aws-temporary-id", 16)),
    _named("aws-secret", "aws_secret_access_key = @@", _opaque("aws-secret", 40, _BASE64)),
    _named("aws-secret-after-id", f"{'AKIA' + _upper('pair', 16)},@@ are the two halves", _opaque("pair", 40, _BASE64)),
    _key("aws-session", "IQoJ", f"b3JpZ2luX2Vj{_opaque('aws-session', 300, _BASE64)}"),
    _key("aws-session-old", "FwoG", f"ZXIvYXdz{_opaque('aws-session-old', 200, _BASE64)}"),
    _named(
        "aws-authorization-header",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=@@",
        _opaque("aws-signature", 64, _HEX),
    ),
    _key("bedrock", "ABSK", _opaque("bedrock", 110, _BASE64)),
    _named("azure-openai", "send @@ please", f"{_opaque('azure', 52)}JQQJ99{_opaque('azure2', 26)}"),
    _named("azure-hex", "api-key: @@", _opaque("azure-hex", 32, _HEX)),
    _named("azure-storage", "EndpointSuffix=x;AccountKey=@@;", f"{_opaque('azure-storage', 86, _BASE64)}=="),
    _named("azure-client-secret", "log in with @@", f"Ab18Q~{_opaque('azure-client', 34)}"),
    _key("databricks", "dapi", _opaque("databricks", 32, _HEX)),
    _key("digitalocean", "dop_v1_", _opaque("digitalocean", 64, _HEX)),
    _key("vault", "hvs.", _opaque("vault", 90)),
    _key("github", "ghp_", _opaque("github", 36)),
    _key("github-oauth", "gho_", _opaque("github-oauth", 36)),
    _key("github-app", "ghs_", _opaque("github-app", 36)),
    _key("github-fine-grained", "github_pat_", f"{_opaque('github-fine', 22)}_{_opaque('github-fine2', 59)}"),
    _key("gitlab", "glpat-", _opaque("gitlab", 20)),
    _key("slack-bot", "xoxb-", f"123456789012-123456789012-{_opaque('slack', 24)}"),
    _key("slack-app", "xapp-", f"1-A012345-{_opaque('slack-app', 64, _HEX)}"),
    _key("slack-webhook", "https://hooks.slack.com/services/", f"T01234567/B01234567/{_opaque('hook', 24)}"),
    _key("discord-webhook", "https://discord.com/api/webhooks/123456789012345678/", _opaque("discord", 68)),
    _key("telegram", "1234567890:", f"AA{_opaque('telegram', 33)}"),
    _key("stripe", "sk_live_", _opaque("stripe", 24)),
    _key("stripe-restricted", "rk_test_", _opaque("stripe-restricted", 24)),
    _key("stripe-webhook", "whsec_", _opaque("stripe-webhook", 32)),
    _key("sendgrid", "SG.", f"{_opaque('sendgrid', 22)}.{_opaque('sendgrid2', 43)}"),
    _key("twilio", "SK", _opaque("twilio", 32, _HEX)),
    _key("mailgun", "key-", _opaque("mailgun", 32, _HEX)),
    _key("npm", "npm_", _opaque("npm", 36)),
    _key("pypi", "pypi-AgE", f"IcHlwaS5vcmc{_opaque('pypi', 100)}"),
    _key("docker", "dckr_pat_", _opaque("docker", 27)),
    _key("linear", "lin_api_", _opaque("linear", 40)),
    _key("shopify", "shpat_", _opaque("shopify", 32, _HEX)),
    _key("jwt", "eyJ", _jwt("someone")[3:]),
    _key("jwt-bearer", "Bearer ", _jwt("someone else"), "authorization: @@"),
    _key("bearer", "Bearer ", _opaque("bearer", 40), "curl -H 'Authorization: @@' https://example.com"),
    _key("basic", "Basic ", base64.b64encode(b"someone:" + _opaque("basic", 20).encode()).decode(), "header @@"),
    *(_pem(kind) for kind in ("", "RSA ", "EC ", "OPENSSH ")),
    _named("cookie", "Cookie: session=@@; theme=dark", _opaque("cookie", 32)),
    _named("set-cookie", "Set-Cookie: sid=@@; Path=/; HttpOnly", _opaque("set-cookie", 32)),
    _named("url-password", "postgresql://someone:@@@db.example.com:5432/app", _opaque("url-password", 14)),
    _named("url-token", "git clone https://@@@git.example.com/a/b.git", _opaque("url-token", 30)),
    _named("url-key", "https://example.com/v1/models?alt=sse&key=@@", _opaque("url-key", 39)),
    _named("url-access-token", "https://example.com/cb#access_token=@@&state=1", _opaque("url-access", 30)),
    _named("url-aws-signature", "https://b.s3.amazonaws.com/k?X-Amz-Signature=@@&a=1", _opaque("url-sig", 64, _HEX)),
    _named("url-aws-token", "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=@@", _opaque("url-tok", 80)),
    _named("url-azure-sas", "https://a.blob.core.windows.net/c?sv=2024&sig=@@", f"{_opaque('url-sas', 43)}%3D"),
    _named("url-oauth-code", "https://example.com/cb?code=@@&state=x", _opaque("url-code", 30)),
    _named("password-assigned", "host=db password=@@ user=someone", _opaque("password", 12)),
    _named("password-quoted", "connect(user='someone', password='@@')", "correct horse battery"),
    _named("password-stated", "the password is @@ as always", _opaque("stated", 10)),
    _named("environment", "export OPENAI_API_KEY=@@", _opaque("environment", 40)),
    _named("form-data", 'form-data; name="api_key"\r\n\r\n@@\r\n--b', _opaque("form-data", 16)),
    _named("python-repr", "{'client_secret': '@@', 'grant': 'code'}", _opaque("repr", 24)),
)

#: Found by the name of the field that they stand under, whatever they look like.
SECRET_FIELDS: tuple[str, ...] = (
    "api_key",
    "apiKey",
    "x-api-key",
    "OPENAI_API_KEY",
    "authorization",
    "password",
    "db_password",
    "client_secret",
    "access_token",
    "refreshToken",
    "secret",
    "aws_secret_access_key",
    "private_key",
    "session_token",
    "connection_string",
    "cookie",
)
