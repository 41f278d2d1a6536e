"""The forms that credentials have in any text: one row for each, with the page that documents it.

A row errs on the side of blotting: a blotted word costs a reader something, a written key costs its owner everything.
What can't be told from other text by its form (a password, a key that is only hex) is found by the name it stands
under: in `names`, or by the last rows of the table where the name stands in the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.recording.redact.names import NAME_ANCHORS
from harness.recording.redact.passage import decoded_base64

#: No letter or digit before: `risk-…` is no `sk-…`.
_EDGE = r"(?<![A-Za-z0-9])"
#: The characters of most opaque keys, and filler, so that a blotted key is found again and left as it is.
_BODY = r"[A-Za-z0-9_*-]"
#: What may stand in an unquoted value. A backslash is left out: it may belong to an escape.
_VALUE = r"[^\s\"'`,;&<>(){}\[\]\\]"
#: Names of credentials, as they are written in prose, settings, headers and query strings.
_NAME = (
    r"(?:api[_ -]?key|access[_-]?key|account[_-]?key|secret[_-]?(?:access[_-]?)?key|private[_-]?key|client[_-]?secret"
    r"|(?:access|refresh|auth|session|security|id|bot|api|bearer)[_-]?token|password|passwd|passphrase|secret"
    r"|(?<![A-Za-z_])pwd(?=\s?=\s?[^\s/]))"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One form of credential. What the group `secret` matches is blotted; what stands before it stays readable."""

    name: str
    pattern: re.Pattern[str]
    #: Lower-case literals of which one must occur for the pattern to match: they make a text without secrets cheap.
    anchors: tuple[str, ...]
    #: The page that documents the form.
    source: str
    #: Decides on what the pattern alone can't.
    accepts: Callable[[str], bool] | None = None


def _rule(
    name: str,
    pattern: str,
    source: str,
    *anchors: str,
    flags: re.RegexFlag = re.NOFLAG,
    accepts: Callable[[str], bool] | None = None,
) -> Rule:
    # ASCII, so that a byte of a longer UTF-8 character, read as Latin-1, is never taken for a space.
    return Rule(name, re.compile(pattern, re.ASCII | flags), anchors, source, accepts)


def _prefixed(name: str, prefix: str, length: int, source: str) -> Rule:
    """A literal prefix, and at least `length` characters of an opaque key."""
    return _rule(name, rf"{_EDGE}{re.escape(prefix)}(?P<secret>{_BODY}{{{length},}})", source, prefix.lower())


def _is_user_and_password(encoded: str) -> bool:
    decoded = decoded_base64(encoded)
    return b":" in decoded and decoded.isascii()


RULES: tuple[Rule, ...] = (
    # Model providers
    _rule(
        "openai-key",
        rf"{_EDGE}sk-(?!ant-|or-|proj-|svcacct-|admin-)(?P<secret>{_BODY}{{16,}})",
        "https://platform.openai.com/docs/api-reference/authentication",
        "sk-",
    ),
    _rule(
        "openai-scoped-key",
        rf"{_EDGE}sk-(?:proj|svcacct|admin)-(?P<secret>{_BODY}{{8,}})",
        "https://platform.openai.com/docs/api-reference/admin-api-keys",
        "sk-",
    ),
    _rule(
        "openai-session",
        rf"{_EDGE}(?:sess-|ek_)(?P<secret>{_BODY}{{24,}})",
        "https://platform.openai.com/docs/api-reference/realtime-sessions",
        "sess-",
        "ek_",
    ),
    _rule(
        "anthropic-key",
        rf"{_EDGE}sk-ant-(?:[a-z]+[0-9]{{2}}-)?+(?P<secret>{_BODY}{{8,}})",
        # The shared prefix is taken whole or not at all, so that a key in pieces is blotted like one that is whole.
        "https://docs.anthropic.com/en/api/overview#authentication",
        "sk-ant-",
    ),
    _rule(
        "openrouter-key",
        rf"{_EDGE}sk-or-(?:v[0-9]+-)?+(?P<secret>{_BODY}{{8,}})",
        "https://openrouter.ai/docs/api-reference/authentication",
        "sk-or-",
    ),
    _prefixed("google-api-key", "AIza", 20, "https://cloud.google.com/docs/authentication/api-keys"),
    _rule(
        "google-oauth-token",
        rf"{_EDGE}ya29\.(?P<secret>[A-Za-z0-9._*-]{{10,}})",
        "https://developers.google.com/identity/protocols/oauth2",
        "ya29.",
    ),
    _rule(
        "google-refresh-token",
        rf"{_EDGE}1//0(?P<secret>{_BODY}{{20,}})",
        "https://developers.google.com/identity/protocols/oauth2",
        "1//0",
    ),
    _prefixed("google-client-secret", "GOCSPX-", 10, "https://developers.google.com/identity/protocols/oauth2"),
    _prefixed("groq-key", "gsk_", 20, "https://console.groq.com/docs/api-reference"),
    _prefixed("xai-key", "xai-", 20, "https://docs.x.ai/docs/api-reference"),
    _prefixed("perplexity-key", "pplx-", 20, "https://docs.perplexity.ai/guides/api-key-management"),
    _prefixed("replicate-token", "r8_", 20, "https://replicate.com/docs/topics/security/api-tokens"),
    _prefixed("fireworks-key", "fw_", 20, "https://docs.fireworks.ai/tools-sdks/python-client/sdk-introduction"),
    _prefixed("cerebras-key", "csk-", 20, "https://inference-docs.cerebras.ai/quickstart"),
    _prefixed("nvidia-key", "nvapi-", 20, "https://docs.api.nvidia.com/nim/reference/llm-apis"),
    _prefixed("huggingface-token", "hf_", 16, "https://huggingface.co/docs/hub/security-tokens"),
    _rule(
        "langsmith-key",
        rf"{_EDGE}lsv2_(?:pt_|sk_)?+(?P<secret>{_BODY}{{20,}})",
        "https://docs.smith.langchain.com/administration/how_to_guides",
        "lsv2_",
    ),
    _prefixed("pinecone-key", "pcsk_", 20, "https://docs.pinecone.io/guides/projects/manage-api-keys"),
    _prefixed("tavily-key", "tvly-", 16, "https://docs.tavily.com/documentation/api-reference/introduction"),
    # Clouds
    _rule(
        "aws-access-key-id",
        rf"{_EDGE}(?:AKIA|ASIA|ABIA|ACCA)(?P<secret>[A-Z0-9*]{{16,}})",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        "akia",
        "asia",
        "abia",
        "acca",
    ),
    _rule(
        "aws-secret-key",
        r"(?:aws|secret|(?:AKIA|ASIA)[A-Z0-9*]{16})[^\n]{0,40}?(?<![A-Za-z0-9/+=])(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
        "aws",
        "secret",
        "akia",
        "asia",
        flags=re.IGNORECASE,
    ),
    _rule(
        "aws-session-token",
        rf"{_EDGE}(?:IQoJ|FwoG|FQoG)(?P<secret>[A-Za-z0-9+/=%_-]{{40,}})",
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html",
        "iqoj",
        "fwog",
        "fqog",
    ),
    _rule(
        "aws-signature",
        r"Signature=(?P<secret>[0-9a-f]{64})",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html",
        "signature=",
    ),
    _rule(
        "bedrock-key",
        rf"{_EDGE}(?:ABSK|bedrock-api-key-)(?P<secret>[A-Za-z0-9+/=_-]{{40,}})",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
        "absk",
        "bedrock-api-key-",
    ),
    _rule(
        "azure-openai-key",
        rf"{_EDGE}(?P<secret>[A-Za-z0-9]{{52}}JQQJ9[A-Za-z0-9]{{27}})(?![A-Za-z0-9])",
        "https://learn.microsoft.com/azure/ai-services/authentication",
        "jqqj9",
    ),
    _rule(
        "azure-storage-key",
        r"(?<![A-Za-z0-9+/-])(?P<secret>[A-Za-z0-9+/]{86}==)",
        "https://learn.microsoft.com/azure/storage/common/storage-account-keys-manage",
        "==",
    ),
    _rule(
        "azure-client-secret",
        rf"{_EDGE}(?P<secret>[A-Za-z0-9_~.-]{{3}}[78]Q~[A-Za-z0-9_~.-]{{30,}})",
        "https://learn.microsoft.com/entra/identity-platform/quickstart-register-app",
        "q~",
    ),
    _prefixed("databricks-token", "dapi", 32, "https://docs.databricks.com/dev-tools/auth/pat.html"),
    _prefixed("digitalocean-token", "dop_v1_", 20, "https://docs.digitalocean.com/reference/api/create-personal-token"),
    _rule(
        "vault-token",
        rf"{_EDGE}hv[sbr]\.(?P<secret>{_BODY}{{20,}})",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens",
        "hvs.",
        "hvb.",
        "hvr.",
    ),
    # Code hosts, registries, services
    _rule(
        "github-token",
        rf"{_EDGE}(?:gh[pousr]_|github_pat_)(?P<secret>{_BODY}{{16,}})",
        "https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
    ),
    _prefixed("gitlab-token", "glpat-", 16, "https://docs.gitlab.com/security/tokens"),
    _rule(
        "slack-token",
        rf"{_EDGE}(?:xox[a-z]|xapp|xwfp)-(?P<secret>{_BODY}{{10,}})",
        "https://docs.slack.dev/authentication/tokens",
        "xox",
        "xapp-",
        "xwfp-",
    ),
    _rule(
        "slack-webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_*-]{16,})",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
        "hooks.slack.com/",
    ),
    _rule(
        "discord-webhook",
        r"discord(?:app)?\.com/api/webhooks/[0-9]+/(?P<secret>[A-Za-z0-9_*-]{16,})",
        "https://discord.com/developers/docs/resources/webhook",
        "/api/webhooks/",
    ),
    _rule(
        "telegram-token",
        r"(?<![0-9])[0-9]{8,10}:(?P<secret>AA[A-Za-z0-9_-]{30,})",
        "https://core.telegram.org/bots/api#authorizing-your-bot",
        ":aa",
    ),
    _rule(
        "stripe-key",
        rf"{_EDGE}(?:[sr]k_(?:live|test)_|whsec_)(?P<secret>{_BODY}{{10,}})",
        "https://docs.stripe.com/keys",
        "k_live_",
        "k_test_",
        "whsec_",
    ),
    _rule(
        "sendgrid-key",
        rf"{_EDGE}SG\.(?P<secret>[A-Za-z0-9_-]{{16,}}\.[A-Za-z0-9_-]{{16,}})",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
        "sg.",
    ),
    _rule(
        "twilio-key",
        rf"{_EDGE}SK(?P<secret>[0-9a-f]{{32}})(?![0-9a-f])",
        "https://www.twilio.com/docs/iam/api-keys",
        *(f"sk{digit}" for digit in "0123456789abcdef"),
    ),
    _rule(
        "mailgun-key",
        rf"{_EDGE}key-(?P<secret>[0-9a-f]{{32}})(?![0-9a-f])",
        "https://documentation.mailgun.com/docs/mailgun/api-reference/mg-auth",
        "key-",
    ),
    _prefixed("npm-token", "npm_", 30, "https://docs.npmjs.com/about-access-tokens"),
    _prefixed("pypi-token", "pypi-AgE", 16, "https://pypi.org/help/#apitoken"),
    _prefixed("docker-token", "dckr_pat_", 16, "https://docs.docker.com/security/access-tokens"),
    _prefixed("linear-key", "lin_api_", 16, "https://linear.app/developers/graphql"),
    _prefixed("shopify-token", "shpat_", 20, "https://shopify.dev/docs/apps/build/authentication-authorization"),
    # Forms that no single provider owns
    _rule(
        "jwt",
        rf"{_EDGE}eyJ(?P<secret>[A-Za-z0-9_=-]{{8,}}(?:\.[A-Za-z0-9_=-]{{4,}}){{1,4}}\.?)",
        "https://www.rfc-editor.org/rfc/rfc7519#section-3.1",
        "eyj",
    ),
    _rule(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<secret>(?:[^-]|-(?=[A-Za-z0-9]))+)",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10",
        "private key",
        flags=re.DOTALL,
    ),
    _rule(
        "bearer",
        r"bearer\s+(?P<secret>(?=[^\s\"',;]*[0-9*]|[^\s\"',;]{32})[A-Za-z0-9._~+/=*-]{8,})",
        "https://www.rfc-editor.org/rfc/rfc6750#section-2.1",
        "bearer",
        flags=re.IGNORECASE,
    ),
    _rule(
        "basic",
        r"basic\s+(?P<secret>[A-Za-z0-9+/_-]{6,}={0,2})",
        "https://www.rfc-editor.org/rfc/rfc7617#section-2",
        "basic",
        flags=re.IGNORECASE,
        accepts=_is_user_and_password,
    ),
    _rule(
        "cookie",
        r"(?<![a-z])(?:set-)?cookie['\"]?\s?:\s?['\"]?(?P<secret>[^\s\"'\\=;]+=[^\r\n\"'\\]+)",
        "https://www.rfc-editor.org/rfc/rfc6265#section-4",
        "cookie",
        flags=re.IGNORECASE,
    ),
    _rule(
        "url-password",
        r"[a-z][a-z0-9+.-]*://[^\s/?#:@\"'\\]*:(?P<secret>[^\s/?#@\"'\\]+)@",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
        "://",
        flags=re.IGNORECASE,
    ),
    _rule(
        "url-user-token",
        r"https?://(?P<secret>(?=[^@/]*[0-9*])[^\s/?#:@\"'\\]{16,})@",
        "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
        "://",
        flags=re.IGNORECASE,
    ),
    _rule(
        "query-key",
        r"[?&#](?:(?:x-amz-|x-goog-)?(?:signature|credential|security-token)|(?:[a-z]+[_-])?(?:key|secret|token|password)"
        r"|api-?key|subscription-key|access_?token|sig|code|auth|jwt|sas|pwd|awsaccesskeyid|googleaccessid)"
        r"=(?P<secret>[^&#\s\"'<>\\]+)",
        "https://www.rfc-editor.org/rfc/rfc6750#section-2.3",
        *("key=", "secret=", "token=", "password=", "signature=", "credential=", "sig=", "code=", "auth=", "jwt="),
        *("sas=", "pwd=", "keyid=", "accessid="),
        flags=re.IGNORECASE,
    ),
    _rule(
        "named-hex",
        r"(?:api|subscription|access|account|secret)[ _-]?key\W{1,5}(?:\w+\W+){0,2}?"
        r"(?P<secret>[0-9a-f]{32,64}|[A-Za-z0-9]{84})(?![A-Za-z0-9])",
        "https://learn.microsoft.com/azure/ai-services/authentication",
        "key",
        flags=re.IGNORECASE,
    ),
    _rule(
        "form-part",
        rf"name=\"[^\"\r\n]*{_NAME}\"\r?\n(?:[^\r\n]+\r?\n){{0,8}}\r?\n(?P<secret>[^\r\n]+)",
        "https://www.rfc-editor.org/rfc/rfc7578#section-4.2",
        'name="',
        flags=re.IGNORECASE,
    ),
    _rule(
        "assigned",
        rf"{_NAME}[\"']?\s?=\s?[\"']?(?P<secret>{_VALUE}{{6,}})",
        "https://docs.python.org/3/library/configparser.html#supported-ini-file-structure",
        *NAME_ANCHORS,
        flags=re.IGNORECASE,
    ),
    _rule(
        "quoted",
        rf"{_NAME}[\"']?\s?[:=]\s?(?P<quote>[\"'])(?P<secret>[^\"'\r\n\\]{{4,}})(?P=quote)",
        "https://docs.python.org/3/tutorial/datastructures.html#dictionaries",
        *NAME_ANCHORS,
        flags=re.IGNORECASE,
    ),
    _rule(
        "stated",
        rf"{_NAME}[\"']?(?:\s?:\s?|\s(?:is|was):?\s)(?P<secret>(?={_VALUE}*[0-9*]){_VALUE}{{6,}})",
        "https://docs.python.org/3/library/configparser.html#supported-ini-file-structure",
        *NAME_ANCHORS,
        flags=re.IGNORECASE,
    ),
)


def live_rules(text: str) -> tuple[Rule, ...]:
    """Return the rules that could match somewhere in `text`. Costs a few substring searches for each."""
    lowered = text.lower()
    return tuple(rule for rule in RULES if any(anchor in lowered for anchor in rule.anchors))


def find(text: str, rules: Sequence[Rule]) -> Iterator[tuple[Rule, int, int]]:
    """Yield every match of `rules` in `text`: the rule, and where the secret itself starts and stops."""
    for rule in rules:
        for match in rule.pattern.finditer(text):
            if rule.accepts is None or rule.accepts(match["secret"]):
                yield rule, *match.span("secret")
