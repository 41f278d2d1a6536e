"""The registry: one row makes a provider known, to `LLM`, to recordings and to the conformance suite.

A package of others adds a row of its own by an entry point in the group `stream_harness.providers`, whose value is a
`Provider`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache, partial
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.providers.anthropic.dialect import MESSAGES
from harness.providers.azure.endpoint import ENDPOINT_VARIABLES
from harness.providers.bedrock.dialect import CONVERSE, INVOKE
from harness.providers.bedrock_invoke.purpose import is_call as is_invoked_call
from harness.providers.cohere.dialect import V1, V2
from harness.providers.cohere.request import HOME as COHERE_HOME, is_call as is_cohere_call
from harness.providers.gemini.dialect import GENERATE_CONTENT
from harness.providers.ollama.dialect import API_CHAT
from harness.providers.ollama.request import is_call as is_ollama_call
from harness.providers.openai.dialect import CHAT, COMPLETIONS, RESPONSES
from harness.providers.openai.hosts import HOSTS
from harness.providers.row import NOBODY, Provider, sdk_needed
from harness.providers.shared.dialect import Dialect

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

#: The group of entry points in which other packages name rows of theirs.
ENTRY_POINTS: Final = "stream_harness.providers"

_AWS_ADDRESS: Final = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
_NOWHERE: Final = re.compile(r"(?!)")
_ON_VERTEX: Final = re.compile(r"aiplatform\.googleapis\.com/|/publishers/")
_BEFORE_VERTEX: Final = re.compile(
    r"^(https?://(?![^/]*aiplatform\.googleapis\.com)[^?]*?)/v1\w*/(?:projects|publishers)/"
)
_OF_PROJECT: Final = re.compile(r"/projects/([^/]+)/locations/([^/]+)/publishers/google/")
_AZURE_VERSION: Final = re.compile(r"[?&]api-version=([^&]+)")
_OLLAMA: Final = re.compile(r"(https?://(?!localhost:)[^/]+:11434)/v1/")

#: What rows have in common that are asked by one SDK.
_by_openai: Final = partial(Provider, extra="openai", distributions=("openai",))
_OPENAI_HOME: Final = "https://api.openai.com/v1"
_openai: Final = partial(_by_openai, homes=(_OPENAI_HOME,), placeholders={"OPENAI_API_KEY": NOBODY})
_cohere: Final = partial(_by_openai, response_headers=("x-debug-trace-id",), placeholders={"CO_API_KEY": NOBODY})
_anthropic: Final = partial(Provider, extra="anthropic", distributions=("anthropic",), dialect=MESSAGES)
_bedrock: Final = partial(
    Provider,
    extra="bedrock",
    distributions=("boto3", "aiobotocore"),
    response_headers=("x-amzn-bedrock-", "x-amzn-errortype", "x-amzn-requestid"),
    moved_by={
        "AWS_ENDPOINT_URL": None,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": _NOWHERE,
        # A profile has credentials of its own, which nothing stands in for.
        **dict.fromkeys(("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE"), _NOWHERE),
    },
)

#: The first row that fits a URL or a body decides.
ROWS: Final = (
    Provider(
        name="azure",
        models=dict.fromkeys(("azure", "azure_openai"), "harness.providers.azure.model:AzureChat")
        | {"azure-responses": "harness.providers.azure.responses:AzureResponses"},
        settings=("endpoint", "credential_scopes", "store"),
        url=re.compile(
            r"(?:https?://[^/]*\.(?:(?:openai|cognitiveservices|services\.ai)\.azure\.com|models\.ai\.azure\.com)"
            r"|.*/openai/deployments)/(?:.*/)?(?:chat/completions|responses)$"
        ),
        request="harness.providers.azure.request",
        dialect=CHAT,
        extra="azure",
        distributions=("azure-ai-inference",),
        recordings="azure",
        address=("AZURE_ENDPOINT", re.compile(r"/(chat/completions|responses)$")),
        moved_by=dict.fromkeys(ENDPOINT_VARIABLES),
        in_urls={
            "AZURE_OPENAI_ENDPOINT": (re.compile(r"(https?://[^/]+)/openai/"), r"\1"),
            **dict.fromkeys(("AZURE_API_VERSION", "OPENAI_API_VERSION"), (_AZURE_VERSION, r"\1")),
        },
        placeholders={
            "AZURE_API_KEY": NOBODY,
            "AZURE_OPENAI_API_KEY": NOBODY,
            "AZURE_ENDPOINT": "https://nobody.openai.azure.com/openai/deployments/gpt-4o-mini",
        },
    ),
    _openai(
        name="openai-responses",
        models={"openai-responses": "harness.providers.openai.responses.model:OpenAIResponses"},
        settings=(
            *("instructions", "store", "previous_response_id", "include", "builtin_tools", "parse_tool_outputs"),
            *("auto_chain", "auto_chain_reasoning"),
        ),
        url=re.compile(r".*/responses$"),
        request="harness.providers.openai.responses.request",
        dialect=RESPONSES,
        recordings="openai_responses",
        address=("OPENAI_BASE_URL", re.compile(r"/responses$")),
    ),
    _bedrock(
        name="bedrock",
        models=dict.fromkeys(("bedrock", "aws"), "harness.providers.bedrock.model:Bedrock"),
        settings=("region_name", "aws_region_name", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
        url=re.compile(r".*/model/[^/]+/(converse|converse-stream)$"),
        request="harness.providers.bedrock.request",
        dialect=CONVERSE,
        recordings="bedrock",
        address=(_AWS_ADDRESS, re.compile(r"/model/[^/]+/converse(-stream)?$")),
        request_headers=("x-amz-target",),
        placeholders={"AWS_ACCESS_KEY_ID": NOBODY, "AWS_SECRET_ACCESS_KEY": NOBODY, "AWS_DEFAULT_REGION": "us-east-1"},
    ),
    _bedrock(
        name="bedrock-invoke",
        models={"bedrock-invoke": "harness.providers.bedrock_invoke.model:BedrockInvoke"},
        url=re.compile(r".*/model/[^/]+/(invoke|invoke-with-response-stream)$"),
        is_call=is_invoked_call,
        request="harness.providers.bedrock_invoke.request",
        dialect=INVOKE,
        address=(_AWS_ADDRESS, re.compile(r"/model/[^/]+/invoke(-with-response-stream)?$")),
    ),
    _anthropic(
        name="anthropic",
        models=dict.fromkeys(("anthropic", "claude"), "harness.providers.anthropic.model:Anthropic"),
        settings=("tool_search",),
        bare_names=re.compile(r"claude-"),
        url=re.compile(r".*/v1/messages$"),
        request="harness.providers.anthropic.request",
        recordings="anthropic",
        address=("ANTHROPIC_BASE_URL", re.compile(r"/v1/messages$")),
        homes=("https://api.anthropic.com",),
        request_headers=("anthropic-beta", "anthropic-version"),
        response_headers=("anthropic-ratelimit-",),
        placeholders={"ANTHROPIC_API_KEY": NOBODY},
    ),
    _anthropic(
        name="vertex-anthropic",
        models={"vertex_anthropic": "harness.providers.anthropic.vertex:AnthropicOnVertex"},
        url=re.compile(r".*/publishers/anthropic/models/(?!count-tokens:)[^/]+:(?:streamRawPredict|rawPredict)$"),
        request="harness.providers.anthropic.vertex",
        placeholders={"GOOGLE_OAUTH_ACCESS_TOKEN": NOBODY},
    ),
    Provider(
        name="gemini",
        models=dict.fromkeys(("gemini", "google"), "harness.providers.gemini.model:Gemini")
        | {"vertex_ai": "harness.providers.gemini.model:VertexAI"},
        settings=("project", "location", "safety_settings", "use_vertexai"),
        bare_names=re.compile(r"gemini-"),
        url=re.compile(r".*:(streamGenerateContent|generateContent)$"),
        request="harness.providers.gemini.request",
        dialect=GENERATE_CONTENT,
        extra="gemini",
        distributions=("google-genai",),
        recordings="gemini",
        address=("GOOGLE_GEMINI_BASE_URL", re.compile(r"/v1\w*/.*$")),
        homes=("https://generativelanguage.googleapis.com",),
        moved_by={"GOOGLE_VERTEX_BASE_URL": None, "GOOGLE_GENAI_USE_VERTEXAI": _ON_VERTEX},
        in_urls={
            "GOOGLE_GENAI_USE_VERTEXAI": (_ON_VERTEX, "true"),
            "GOOGLE_VERTEX_BASE_URL": (_BEFORE_VERTEX, r"\1"),
            "GOOGLE_CLOUD_PROJECT": (_OF_PROJECT, r"\1"),
            "GOOGLE_CLOUD_LOCATION": (_OF_PROJECT, r"\2"),
            # Who has a key asks for no project.
            **dict.fromkeys(("GEMINI_API_KEY", "GOOGLE_API_KEY"), (_OF_PROJECT, "")),
        },
        placeholders={"GEMINI_API_KEY": NOBODY},
    ),
    _openai(
        name="openai",
        models={
            "openai": "harness.providers.openai.chat:OpenAIChat",
            **dict.fromkeys(HOSTS, "harness.providers.openai.compatible:OpenAICompatible"),
        },
        settings=("organization", "store"),
        bare_names=re.compile(r"(gpt-|chatgpt-|o\d|ft:(gpt-|o\d))"),
        url=re.compile(r".*/chat/completions$"),
        request="harness.providers.openai.request",
        dialect=CHAT,
        recordings="openai",
        address=("OPENAI_BASE_URL", re.compile(r"/chat/completions$")),
        moved_by=dict.fromkeys(
            ("OPENAI_API_BASE", *(variable for host in HOSTS.values() for variable in host.base_url_variables))
        ),
        in_urls=dict.fromkeys(HOSTS["ollama"].base_url_variables, (_OLLAMA, r"\1")),
        request_headers=("openai-beta",),
        response_headers=("openai-model", "openai-processing-ms", "openai-version"),
        placeholders={
            "OPENAI_API_KEY": NOBODY,
            **{variable: NOBODY for host in HOSTS.values() for variable in host.key_variables},
        },
    ),
    _openai(
        name="openai-completions",
        models={"openai-completions": "harness.providers.openai.completions:OpenAICompletions"},
        url=re.compile(r".*(?<!/chat)(?<!/fim)(?<!/agents)/completions$"),
        request="harness.providers.openai.completions_request",
        dialect=COMPLETIONS,
        address=("OPENAI_BASE_URL", re.compile(r"/completions$")),
    ),
    _by_openai(
        name="ollama",
        models={"ollama-api": "harness.providers.ollama.model:Ollama"},
        url=re.compile(r".*/api/chat$"),
        is_call=is_ollama_call,
        request="harness.providers.ollama.request",
        dialect=API_CHAT,
        recordings="ollama",
        address=("OLLAMA_HOST", re.compile(r"/api/chat$")),
        homes=("http://localhost:11434",),
    ),
    _cohere(
        name="cohere",
        models={"cohere-v1": "harness.providers.cohere.model:Cohere"},
        url=re.compile(r".*/v1/chat$"),
        is_call=is_cohere_call,
        request="harness.providers.cohere.request",
        dialect=V1,
        recordings="cohere",
        address=("CO_API_URL", re.compile(r"/v1/chat$")),
        homes=(COHERE_HOME,),
    ),
    _cohere(
        name="cohere-v2",
        models={"cohere-v2": "harness.providers.cohere.model:CohereV2"},
        url=re.compile(r"https?://[^/]*\.cohere\.(?:com|ai)/(?:.*/)?v2/chat$"),
        request="harness.providers.cohere.v2_request",
        dialect=V2,
        address=("CO_API_URL", re.compile(r"/v2/chat$")),
        homes=(COHERE_HOME,),
    ),
    Provider(
        name="litellm",
        models={"litellm": "harness.providers.litellm.model:LiteLLM"},
        extra="litellm",
        distributions=("litellm",),
        takes_all=True,
    ),
)
#: The dialect of a body that fits none: most hosts speak it.
USUAL_DIALECT: Final = CHAT


@cache
def providers() -> tuple[Provider, ...]:
    """Return every row. Raises UsageError where one of other packages is none, or can't be imported."""
    return (*_external_rows(), *ROWS)


@cache
def _external_rows() -> tuple[Provider, ...]:
    rows = []
    for named in metadata.entry_points(group=ENTRY_POINTS):
        try:
            row = named.load()
        except Exception as error:
            raise UsageError(f"the entry point {named.name!r} in {ENTRY_POINTS} can't be loaded: {error!r}") from error
        if not isinstance(row, Provider):
            raise UsageError(f"the entry point {named.name!r} in {ENTRY_POINTS} is no Provider, but {row!r}")
        rows.append(row)
    return tuple(rows)


def recognized(method: str, url: str, body: bytes | None = None) -> Provider | None:
    """Return the row of the API that a request was made to; None where it is no call to a model.

    Embeddings, images, speech, files and whatever else is no answer of a model are no calls. Some are told by their body
    alone; without `body`, they are taken for calls.
    """
    parts = urlsplit(url)
    target = f"{parts.scheme}://{parts.netloc}{parts.path}"
    if method.upper() != "POST":
        return None
    row = next((row for row in providers() if row.url is not None and row.url.match(target)), None)
    return None if row is None or (row.is_call is not None and not row.is_call(target, body)) else row


@cache
def dialects() -> tuple[Dialect, ...]:
    """Return each known dialect once, in the order in which a body is held against their marks."""
    # What several rows share comes with the last of them: its mark is that of the many, and fits most by chance.
    found = dict.fromkeys(row.dialect for row in reversed(providers()) if row.dialect is not None)
    return tuple(reversed(found))


#: The integration that asks a provider by its Responses API.
_RESPONSES_OF: Final = MappingProxyType(
    dict.fromkeys(("openai", "openai-responses"), "openai-responses")
    | dict.fromkeys(("azure", "azure_openai", "azure-responses"), "azure-responses")
)


def split_model(
    model: str,
    provider: str | None = None,
    api: str | None = None,
    is_litellm: bool | None = None,
    custom_openai: bool | None = None,
) -> tuple[str, str]:
    """Return the provider, and its name of the model; the parameters are those of `LLM`.

    Raises UsageError where that is unclear, or the provider has no such API.
    """
    if custom_openai:
        found = "openai", model.removeprefix("openai/")
    elif is_litellm:
        named = model.removeprefix("litellm/")
        found = "litellm", named if provider is None or named.startswith(f"{provider}/") else f"{provider}/{named}"
    elif provider is not None and _row_of(provider) is not None:
        found = provider, model.removeprefix(f"{provider}/")
    else:
        found = _split(model if provider is None or model.startswith(f"{provider}/") else f"{provider}/{model}")
    return found if api is None else _by_api(*found, api)


def _by_api(provider: str, name: str, api: str) -> tuple[str, str]:
    if api in ("completions", "chat"):
        return provider, name
    if api != "responses":
        raise UsageError(f"api={api!r}: expected 'responses', or 'completions', the default")
    if provider not in _RESPONSES_OF:
        raise UsageError(f"api='responses': openai/… and azure/… have it, and {provider}/… has not; leave it out")
    return _RESPONSES_OF[provider], name


def _split(model: str) -> tuple[str, str]:
    named, slash, name = model.partition("/")
    if slash and name and _row_of(named) is not None:
        return named, name
    bare = None if slash else _row(lambda row: row.bare_names is not None and row.bare_names.match(model) is not None)
    if bare is not None:
        return next(iter(bare.models)), model
    fallback = next((row for row in ROWS if row.takes_all and importlib.util.find_spec(row.distributions[0])), None)
    if name and fallback is not None:
        return fallback.name, model
    known = ", ".join(f"{prefix}/…" for row in providers() for prefix in row.models)
    if name:
        extras = ", ".join(f"stream-harness[{row.extra}]" for row in ROWS if row.takes_all)
        raise UsageError(
            f"model {model!r}: there is no integration for the provider {named!r}; there is {known}; "
            f"many others are reached with pip install '{extras}'"
        )
    raise UsageError(f"model {model!r}: no provider can be told from it; write it as provider/model ({known})")


def refuse_foreign(provider: str, settings: Mapping[str, Any]) -> None:
    """Raise UsageError where one of `settings`, which the integration has not taken, is another provider's own."""
    own = _row_of(provider)
    # What reaches all providers passes on what is any one's.
    for row in () if own is not None and own.takes_all else ROWS:
        for name in row.settings:
            if settings.get(name) is not None and (own is None or name not in own.settings):
                owner = next(iter(row.models))
                raise UsageError(f"{name} is a setting of {owner}/…; {provider}/… has none such. Leave it out")


def integration(name: str) -> type[BaseLLM]:
    """Return the class that speaks to the provider of that name in a model string, importing its module."""
    row = _row_of(name)
    if row is None:
        raise UsageError(f"there is no integration for the provider {name!r}")
    module, _, cls = row.models[name].partition(":")
    with sdk_needed(row.name, row.extra) if row.extra else nullcontext():
        return getattr(importlib.import_module(module), cls)  # type: ignore[no-any-return]


def _row_of(name: str) -> Provider | None:
    return _row(lambda row: name in row.models)


def _row(fits: Callable[[Provider], bool]) -> Provider | None:
    """Return a row of ours that fits, else one of other packages, which are looked for only then."""
    return next((row for rows in (lambda: ROWS, _external_rows) for row in rows() if fits(row)), None)
