"""What an LLM is configured with: the parameters that users know, under the same names for all providers."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.errors import UsageError
from harness.fields import field_names, hiding_class, kept_with_class, take_fields
from harness.llm.output.usage import UsageCounter
from harness.llm.parameters import names
from harness.llm.parameters.config import PLAIN, config_of
from harness.llm.parameters.kinds import check_kinds, plain_settings
from harness.llm.parameters.names import sole_value, words

#: Settings that are read by functions.
_READ: Final = frozenset({"stop", "api_key", "api_version"})
#: Names of settings that stand for another, with that.
_OTHER_NAMES: Final = {
    "api_base": "base_url",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
}
#: What the constructor takes that is none.
_NO_SETTINGS: Final = frozenset({"self", "others", "without_end_marker"})


class Alias:
    """Another name under which an LLM has something: to set it sets that."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, llm: Any, owner: type) -> Any:
        return self if llm is None else getattr(llm, self._name)

    def __set__(self, llm: Any, value: Any) -> None:
        setattr(llm, self._name, value)


class LLMSettings:
    """The settings of an LLM, and the count of what its calls have used. No call changes a setting."""

    #: The provider's name, as in a model string and in errors.
    provider: str = "custom"
    #: Environment variables that may hold the key, in order.
    key_variables: tuple[str, ...] = ()

    def __init__(
        self,
        model: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        stream: bool | None = None,
        seed: int | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        n: int | None = None,
        stop: str | Sequence[str] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        api_version: str | None = None,
        response_format: type[BaseModel] | Mapping[str, Any] | None = None,
        reasoning_effort: str | None = None,
        thinking: Any = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        additional_params: Mapping[str, Any] | None = None,
        callbacks: list[Any] | None = None,
        *,
        without_end_marker: bool = False,
        top_k: int | None = None,
        client_params: Mapping[str, Any] | None = None,
        default_headers: Mapping[str, str] | None = None,
        interceptor: Any = None,
        provider: str | None = None,
        stop_sequences: str | Sequence[str] | None = None,
        api_base: str | None = None,
        max_completion_tokens: int | None = None,
        max_output_tokens: int | None = None,
        is_litellm: bool | None = None,
        **others: Any,
    ) -> None:
        """Take the settings.

        `stop_sequences` is another name of `stop`, `api_base` of `base_url`, `max_completion_tokens` and
        `max_output_tokens` of `max_tokens`. What a subclass annotates is a setting, too, with the default that stands
        there, as on a pydantic model. Any other keyword is a field of the provider's own request, as those of
        `additional_params` are.

        Raises:
            UsageError: two names of one setting say different things, or a field of
                the subclass does not fit.

        Warns:
            UnknownParameterWarning: a keyword is none, and reads nearly as one.
        """
        given = {name: value for name, value in locals().items() if name not in _NO_SETTINGS}
        kind: Any = type(self)
        owner = kind.__name__
        fields = field_names(kind, _root(kind))
        # A field of the subclass is its own, and another name of nothing.
        beside = (*_OTHER_NAMES, "is_litellm")
        others |= {name: given.pop(name) for name in fields if name in beside and given[name] is not None}
        same = {name: given.pop(name, None) for name in beside}
        for setting in dict.fromkeys(_OTHER_NAMES.values()):
            named = {name: value for name, value in same.items() if _OTHER_NAMES.get(name) == setting}
            given[setting] = sole_value(owner, **{setting: given[setting]}, **named)
        given = plain_settings(owner, given)
        check_kinds(owner, given)
        if given["stop"] is not None:
            given["stop"] = words(f"stop of {owner}", given["stop"])
        others = self._llm_take(given, others)
        #: Whether the caller said the limit under the name that newer models have for it.
        self.says_completion_tokens = same["max_completion_tokens"] is not None
        #: Whether this host marks the end of no stream; then an answer is whole that has told why it ended.
        self.without_end_marker = without_end_marker
        self._llm_usage = UsageCounter()
        known = {*given, *same, *fields}
        #: Fields of the provider's own request body; they win over everything else. `OMIT` leaves a field out.
        #: `extra_query` is the query of the URL, and `extra_body` what Bedrock's SDK does not know of a body.
        self.additional_params: dict[str, Any] = {
            **names.additional_params(owner, others, known),
            **(self.additional_params or {}),
        }
        if callable(prepare := getattr(self, "model_post_init", None)):
            prepare(None)

    model: str
    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    #: None streams in the run of a flow, an agent or a crew, and in a session. True and False hold everywhere.
    stream: bool | None
    seed: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    n: int | None
    #: Seconds, for each attempt.
    timeout: float | None
    max_retries: int | None
    base_url: str | None
    response_format: type[BaseModel] | Mapping[str, Any] | None
    reasoning_effort: str | None
    thinking: Any
    logprobs: bool | None
    top_logprobs: int | None
    callbacks: list[Any] | None
    #: What the SDK's client is made with beside the settings here.
    client_params: Mapping[str, Any] | None
    #: Header fields of every request.
    default_headers: Mapping[str, str] | None
    #: What sees every request before it is sent, and every response: see `intercept` in `harness.providers.shared.stainless`.
    interceptor: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in _READ:
            hiding = hiding_class(cls, name)
            if hiding is not None:
                inner = next(vars(base)[name] for base in cls.__mro__ if isinstance(vars(base).get(name), _READS))
                setattr(cls, name, Preset(inner, vars(hiding)[name]))

    def _llm_take(self, settings: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
        """Set each setting that was given, or that the class has no value for, and its fields; return the rest of `others`."""
        kind: Any = type(self)
        for name in settings:
            default = getattr(kind, name, None)
            # What a subclass has set before is its default.
            is_open = default is None or isinstance(default, FieldInfo) or name in _READ
            if is_open and name not in vars(self):
                _set(self, name, None if isinstance(default, (FieldInfo, *_READS)) else default)
        given = {name: value for name, value in settings.items() if value is not None}
        rest = take_fields(self, _root(kind), {**given, **others})
        for name in given:
            if name in rest:
                _set(self, name, rest.pop(name))
        if not getattr(self, "model", None):
            raise UsageError(f"{kind.__name__} needs the name of a model: model='…'")
        return rest

    _llm_stop: list[str]
    _llm_api_key: str | None
    _llm_api_version: str | None

    @property
    def stop(self) -> list[str]:
        """The words at which answers end, none where there are none. It takes a word, several, or None."""
        return self._llm_stop

    @stop.setter
    def stop(self, value: str | Sequence[str] | None) -> None:
        self._llm_stop = words(f"stop of {type(self).__name__}", value)

    @property
    def api_key(self) -> str | None:
        """The key that was given, or that of the first of `key_variables` that is set."""
        return self._llm_api_key or environment(self.key_variables)

    @api_key.setter
    def api_key(self, value: str | None) -> None:
        self._llm_api_key = value

    #: The version of the API that was given, or that the environment names where the provider has a variable for it.
    api_version = Alias("_llm_api_version")
    api_base = Alias("base_url")
    max_completion_tokens = Alias("max_tokens")
    max_output_tokens = Alias("max_tokens")

    def _llm_settings(self) -> dict[str, Any]:
        """Return the settings as keywords, its credentials too; for another integration of the same model."""
        more = (
            *("stop", "base_url", "response_format", "thinking", "additional_params", "without_end_marker"),
            *("callbacks", "client_params", "default_headers", "interceptor", "_llm_api_key", "_llm_api_version"),
        )
        return {name.removeprefix("_llm_"): getattr(self, name) for name in (*PLAIN, *more)}

    def to_config_dict(self) -> dict[str, Any]:
        """Return what makes an LLM like this one: `LLM(**config)`. No credential is in it, and nothing that is no JSON."""
        return config_of(self)

    def __repr__(self) -> str:
        config = self.to_config_dict()
        settings = "".join(f", {name}={value!r}" for name, value in config.items() if name != "model")
        return f"{type(self).__name__}({config['model']!r}{settings})"


class Preset:
    """A property of LLMs for which a class has a default: what is set goes through it, and the class reads as the default."""

    def __init__(self, inner: property | Preset, default: Any) -> None:
        self._inner = inner
        self._default = default

    def __get__(self, llm: Any, owner: type) -> Any:
        return self._default if llm is None else self._inner.__get__(llm, owner)

    def __set__(self, llm: Any, value: Any) -> None:
        self._inner.__set__(llm, value)


#: What stands behind a setting that is read by a function.
_READS: Final = (property, Preset, Alias)


def _set(llm: Any, name: str, value: Any) -> None:
    """Set a setting, behind the function by which it is read."""
    if name == "stop":
        value = words(f"stop of {type(llm).__name__}", value)
    setattr(llm, f"_llm_{name}" if name in _READ else name, value)


def environment(variables: Sequence[str]) -> str | None:
    """Return the value of the first of these environment variables that says something."""
    return next((value for name in variables if (value := os.environ.get(name))), None)


@kept_with_class
def _root(cls: Any) -> Any:
    """Return the class whose annotations, and those above it, are no fields: the last one of this project."""
    return next(
        base
        for base in inspect.getmro(cls)
        if base.__module__.partition(".")[0] == "harness" and issubclass(base, LLMSettings)
    )
