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
HEX = "0123456789abcdef"
BASE64 = string.ascii_letters + string.digits + "+/"


def opaque(seed: str, length: int, alphabet: str = _WORD) -> str:
    """A random-looking text that is the same in every run, with a letter and a digit among its first characters."""
    stream = hashlib.shake_256(seed.encode()).digest(length)
    return ("a7" + "".join(alphabet[byte % len(alphabet)] for byte in stream))[:length]


def upper(seed: str, length: int) -> str:
    return opaque(seed, length).upper()


def jwt_of(seed: str) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": seed, "iat": 1700000000})
    head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{claims}.{opaque(seed, 43)}"


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


def key(name: str, prefix: str, body: str, around: str = "use @@ for it") -> Planted:
    return Planted(name, around, prefix + body, body)


def named(name: str, around: str, value: str) -> Planted:
    return Planted(name, around, value, value)


def _pem(kind: str) -> Planted:
    lines = "\n".join(opaque(f"{kind}{line}", 64, BASE64) for line in range(4))
    # Joined here, so that no scanner takes this file for a key.
    begin, end = (f"-----{word} {kind}PRIVATE KEY-----" for word in ("BEGIN", "END"))
    return Planted(f"pem-{kind.strip().lower() or 'pkcs8'}", f"{begin}\n@@\n{end}\n", lines, lines)


#: Found by their form, wherever they stand.
BY_FORM: tuple[Planted, ...] = (
    key("openai", "sk-", opaque("openai", 48)),
    key("openai-project", "sk-proj-", opaque("openai-project", 124)),
    key("openai-service-account", "sk-svcacct-", opaque("openai-service", 74)),
    key("openai-admin", "sk-admin-", opaque("openai-admin", 74)),
    key("openai-marker", "sk-", f"{opaque('m1', 20)}T3BlbkFJ{opaque('m2', 20)}"),
    key("openai-session", "sess-", opaque("openai-session", 40)),
    key("openai-ephemeral", "ek_", opaque("openai-ephemeral", 32, HEX)),
    key("openai-in-error", "sk-proj-", opaque("in-error", 48), "Incorrect value @@. You can find your"),
    key("anthropic", "sk-ant-api03-", f"{opaque('anthropic', 93)}AA"),
    key("anthropic-admin", "sk-ant-admin01-", opaque("anthropic-admin", 93)),
    key("anthropic-oauth", "sk-ant-oat01-", opaque("anthropic-oauth", 93)),
    key("openrouter", "sk-or-v1-", opaque("openrouter", 64, HEX)),
    key("google-api", "AIza", f"Sy{opaque('google-api', 33)}"),
    key("google-oauth", "ya29.", opaque("google-oauth", 120)),
    key("google-refresh", "1//0", opaque("google-refresh", 60)),
    key("google-client-secret", "GOCSPX-", opaque("google-client", 28)),
    key("groq", "gsk_", opaque("groq", 52)),
    key("xai", "xai-", opaque("xai", 80)),
    key("perplexity", "pplx-", opaque("perplexity", 48)),
    key("replicate", "r8_", opaque("replicate", 37)),
    key("fireworks", "fw_", opaque("fireworks", 24)),
    key("cerebras", "csk-", opaque("cerebras", 48)),
    key("nvidia", "nvapi-", opaque("nvidia", 64)),
    key("huggingface", "hf_", opaque("huggingface", 34)),
    key("langsmith", "lsv2_pt_", f"{opaque('langsmith', 32, HEX)}_{opaque('langsmith2', 10, HEX)}"),
    key("pinecone", "pcsk_", opaque("pinecone", 60)),
    key("tavily", "tvly-", opaque("tavily", 32)),
    key("aws-access-key-id", "AKIA", upper("aws-id", 16)),
    key("aws-temporary-key-id", "ASIA", upper("aws-temporary-id", 16)),
    named("aws-secret", "aws_secret_access_key = @@", opaque("aws-secret", 40, BASE64)),
    named("aws-secret-after-id", f"{'AKIA' + upper('pair', 16)},@@ are the two halves", opaque("pair", 40, BASE64)),
    key("aws-session", "IQoJ", f"b3JpZ2luX2Vj{opaque('aws-session', 300, BASE64)}"),
    key("aws-session-old", "FwoG", f"ZXIvYXdz{opaque('aws-session-old', 200, BASE64)}"),
    named(
        "aws-authorization-header",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=@@",
        opaque("aws-signature", 64, HEX),
    ),
    key("bedrock", "ABSK", opaque("bedrock", 110, BASE64)),
    named("azure-openai", "send @@ please", f"{opaque('azure', 52)}JQQJ99{opaque('azure2', 26)}"),
    named("azure-hex", "api-key: @@", opaque("azure-hex", 32, HEX)),
    named("azure-storage", "EndpointSuffix=x;AccountKey=@@;", f"{opaque('azure-storage', 86, BASE64)}=="),
    named("azure-client-secret", "log in with @@", f"Ab18Q~{opaque('azure-client', 34)}"),
    key("databricks", "dapi", opaque("databricks", 32, HEX)),
    key("digitalocean", "dop_v1_", opaque("digitalocean", 64, HEX)),
    key("vault", "hvs.", opaque("vault", 90)),
    key("github", "ghp_", opaque("github", 36)),
    key("github-oauth", "gho_", opaque("github-oauth", 36)),
    key("github-app", "ghs_", opaque("github-app", 36)),
    key("github-fine-grained", "github_pat_", f"{opaque('github-fine', 22)}_{opaque('github-fine2', 59)}"),
    key("gitlab", "glpat-", opaque("gitlab", 20)),
    key("slack-bot", "xoxb-", f"123456789012-123456789012-{opaque('slack', 24)}"),
    key("slack-app", "xapp-", f"1-A012345-{opaque('slack-app', 64, HEX)}"),
    key("slack-webhook", "https://hooks.slack.com/services/", f"T01234567/B01234567/{opaque('hook', 24)}"),
    key("discord-webhook", "https://discord.com/api/webhooks/123456789012345678/", opaque("discord", 68)),
    key("telegram", "1234567890:", f"AA{opaque('telegram', 33)}"),
    key("stripe", "sk_live_", opaque("stripe", 24)),
    key("stripe-restricted", "rk_test_", opaque("stripe-restricted", 24)),
    key("stripe-webhook", "whsec_", opaque("stripe-webhook", 32)),
    key("sendgrid", "SG.", f"{opaque('sendgrid', 22)}.{opaque('sendgrid2', 43)}"),
    key("twilio", "SK", opaque("twilio", 32, HEX)),
    key("mailgun", "key-", opaque("mailgun", 32, HEX)),
    key("npm", "npm_", opaque("npm", 36)),
    key("pypi", "pypi-AgE", f"IcHlwaS5vcmc{opaque('pypi', 100)}"),
    key("docker", "dckr_pat_", opaque("docker", 27)),
    key("linear", "lin_api_", opaque("linear", 40)),
    key("shopify", "shpat_", opaque("shopify", 32, HEX)),
    key("jwt", "eyJ", jwt_of("someone")[3:]),
    key("jwt-bearer", "Bearer ", jwt_of("someone else"), "authorization: @@"),
    key("bearer", "Bearer ", opaque("bearer", 40), "curl -H 'Authorization: @@' https://example.com"),
    key("basic", "Basic ", base64.b64encode(b"someone:" + opaque("basic", 20).encode()).decode(), "header @@"),
    *(_pem(kind) for kind in ("", "RSA ", "EC ", "OPENSSH ")),
    named("cookie", "Cookie: session=@@; theme=dark", opaque("cookie", 32)),
    named("set-cookie", "Set-Cookie: sid=@@; Path=/; HttpOnly", opaque("set-cookie", 32)),
    named("url-password", "postgresql://someone:@@@db.example.com:5432/app", opaque("url-password", 14)),
    named("url-token", "git clone https://@@@git.example.com/a/b.git", opaque("url-token", 30)),
    named("url-key", "https://example.com/v1/models?alt=sse&key=@@", opaque("url-key", 39)),
    named("url-access-token", "https://example.com/cb#access_token=@@&state=1", opaque("url-access", 30)),
    named("url-aws-signature", "https://b.s3.amazonaws.com/k?X-Amz-Signature=@@&a=1", opaque("url-sig", 64, HEX)),
    named("url-aws-token", "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=@@", opaque("url-tok", 80)),
    named("url-azure-sas", "https://a.blob.core.windows.net/c?sv=2024&sig=@@", f"{opaque('url-sas', 43)}%3D"),
    named("url-oauth-code", "https://example.com/cb?code=@@&state=x", opaque("url-code", 30)),
    named("password-assigned", "host=db password=@@ user=someone", opaque("password", 12)),
    named("password-quoted", "connect(user='someone', password='@@')", "correct horse battery"),
    named("password-stated", "the password is @@ as always", opaque("stated", 10)),
    named("environment", "export OPENAI_API_KEY=@@", opaque("environment", 40)),
    named("form-data", 'form-data; name="api_key"\r\n\r\n@@\r\n--b', opaque("form-data", 16)),
    named("python-repr", "{'client_secret': '@@', 'grant': 'code'}", opaque("repr", 24)),
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
    "SecretString",
    "private_key",
    "session_token",
    "connection_string",
    "cookie",
)
