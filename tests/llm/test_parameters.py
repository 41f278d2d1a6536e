"""What an LLM is given: fields of a subclass, other names of settings, anything else, and what of it is told again."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from pydantic import Field, PrivateAttr

from harness.errors import UsageError
from harness.llm import (
    LLM,
    BaseLLM,
    Finish,
    LLMRequest,
    Part,
    TextDelta,
    ToolCallDelta,
    UnknownParameterWarning,
    UsageMetrics,
    call_stop_override,
)
from harness.llm.input.unsent_fields import UnsentFieldWarning
from harness.tools import tool
from tests.llm.scripted import WAYS, Scripted, Way, streamed

SECRET = "the-secret-of-nobody"


class Rented(BaseLLM):
    """A subclass with fields of every kind, and with settings of its own."""

    model: str = "rented-1"
    temperature: float | None = 0.3
    region: str = "north"
    weight: int = Field(default=2, ge=1)
    tags: list[str] = Field(default_factory=list)
    _asked: list[str] = PrivateAttr(default_factory=list)

    def call(self, messages: Any, *others: Any, **more: Any) -> str:
        self._asked.append(self.region)
        return f"{self.region} {self.weight}"


class Own(BaseLLM):
    """A subclass with its own call, which publishes by the base's helpers."""

    def call(self, messages: Any, tools: Any = None, *others: Any, **more: Any) -> Any:
        self._emit_call_started_event(messages)
        try:
            if self._effective_stream():
                for word in ("Hel", "lo"):
                    self._emit_stream_chunk_event(word)
                self._emit_thinking_chunk_event("well")
            if messages == "fail":
                raise ValueError("broken")
            if tools:
                return self._handle_tool_execution("add", {"a": 1}, tools)
        except ValueError as error:
            self._emit_call_failed_event(error)
            raise
        self._track_token_usage_internal({"input_tokens": 3, "output_tokens": 2})
        self._emit_call_completed_event("Hello", usage={"input_tokens": 3}, finish_reason="stop")
        return "Hello"


def test_fields_of_a_subclass_are_parameters_with_defaults() -> None:
    llm = Rented()
    assert (llm.model, llm.temperature, llm.call("Hi"), llm.tags) == ("rented-1", 0.3, "north 2", [])
    other = Rented(model="rented-2", temperature=1, region="south", weight="5", tags=["a"])
    assert (other.model, other.temperature, other.call("Hi"), other.tags) == ("rented-2", 1, "south 5", ["a"])
    assert (llm._asked, llm.additional_params, other.additional_params) == (["north"], {}, {})
    with pytest.raises(UsageError, match=r"Rented\.weight: expected at least 1, not 0"):
        Rented(weight=0)


class Routed(Rented):
    """Says which way it goes, by a field whose name chooses an integration elsewhere."""

    is_litellm: bool = False


def test_a_field_may_have_the_name_of_what_chooses_an_integration() -> None:
    assert [Routed().is_litellm, Routed(is_litellm=True).is_litellm] == [False, True]
    assert Rented(is_litellm=True).additional_params == {}
    with pytest.warns(UnknownParameterWarning, match="did you mean 'is_litellm'"):
        Rented(is_litelm=True)


class House:
    """What is said of every LLM of a house."""

    api_version = "house-1"


class Housed(House, Rented):
    """Says again what every LLM has, also what is read by a function."""

    api_key: str | None = None
    stop: list[str] = ["END"]  # type: ignore[override]
    seed: int | None = Field(default=7, ge=1)
    api_base: str = "north.example"
    additional_params: dict[str, Any] = Field(default_factory=lambda: {"user": "me"})


class HousedByField(Housed):
    """The same, by pydantic's `Field`, and under another name."""

    api_key: str | None = Field(default="field-key", alias="key")
    stop: list[str] = Field(default_factory=lambda: ["FIELD"])


SHOWN = ("api_key", "stop", "api_version", "seed", "api_base", "base_url", "additional_params")


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        (Housed, {}, (None, ["END"], "house-1", 7, "north.example", None, {"user": "me"})),
        (HousedByField, {}, ("field-key", ["FIELD"], "house-1", 7, "north.example", None, {"user": "me"})),
        *(
            (
                kind,
                {"api_key": "k", "stop": "X", "api_version": "2", "seed": "3", "api_base": "a", "additional_params": {}},
                ("k", ["X"], "2", 3, "a", None, {}),
            )
            for kind in (Housed, HousedByField)
        ),
        (HousedByField, {"key": "k", "stop_sequences": ["A", "B"], "base_url": "http://b"},
         ("k", ["A", "B"], "house-1", 7, "north.example", "http://b", {"user": "me"})),
    ],
    ids=["defaults", "defaults by Field", "given", "given beside Field", "given under other names"],
)  # fmt: skip
def test_a_subclass_may_have_a_default_for_any_setting(
    kind: type[Housed], given: dict[str, Any], shown: tuple[Any, ...]
) -> None:
    llm = kind(**given)
    assert tuple(getattr(llm, name) for name in SHOWN) == shown
    llm.stop = "q"  # type: ignore[assignment]
    assert (llm.stop, llm.stop_sequences) == (["q"], ["q"])
    assert kind().stop == kind().stop_sequences != ["q"]


def test_a_setting_may_be_a_property_of_a_subclass() -> None:
    class Cold(Own):
        @property
        def temperature(self) -> float:  # type: ignore[override]
            return 0.0

        @property  # type: ignore[misc]
        def api_key(self) -> str:
            return "found"

    assert (Cold("own-1").temperature, Cold("own-1", api_key="k").api_key) == (0.0, "found")


def test_a_default_of_a_setting_holds_what_its_field_says() -> None:
    with pytest.raises(UsageError, match=r"Housed\.seed: expected at least 1, not 0"):
        Housed(seed=0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda llm: pickle.loads(pickle.dumps(llm))], ids=["copy", "pickle"])
def test_an_llm_can_be_copied_and_counts_for_itself(copied: Callable[[Own], Own]) -> None:
    llm = Own("own-1", stop="END", api_key="k")
    llm.call("Hi")
    twin = copied(llm)
    twin.call("Hi")
    assert (twin.model, twin.stop, twin.api_key) == ("own-1", ["END"], "k")
    assert [one.get_token_usage_summary().prompt_tokens for one in (llm, twin)] == [3, 6]


def test_a_model_is_needed() -> None:
    for model in (None, ""):
        with pytest.raises(UsageError, match="Own needs the name of a model"):
            Own(model)
    with pytest.raises(UsageError, match="LLM needs the name of a model"):
        LLM(model=None)


@pytest.mark.parametrize("name", ["stop", "stop_sequences"])
@pytest.mark.parametrize(
    ("given", "words"), [("END", ["END"]), (["A", "B"], ["A", "B"]), (("A",), ["A"]), ([], []), (None, [])]
)
def test_stop_words_are_always_a_list(name: str, given: Any, words: list[str]) -> None:
    assert Rented(**{name: given}).stop == words
    llm = Rented(stop="OLD")
    setattr(llm, name, given)
    assert (llm.stop, llm.stop_sequences) == (words, words)


@pytest.mark.parametrize("given", [3, {"END": 1}, b"END", ["END", 3]])
def test_what_is_no_stop_word_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="stop of Rented is .*; expected a word, a list of words, or None"):
        Rented(stop=given)


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"api_base": "http://h"}, "base_url", "http://h"),
        ({"max_completion_tokens": 9}, "max_tokens", 9),
        ({"max_output_tokens": 9, "max_tokens": 9}, "max_tokens", 9),
        ({"top_k": 3}, "top_k", 3),
    ],
)
def test_a_setting_has_the_names_that_programs_know(given: dict[str, Any], name: str, value: Any) -> None:
    llm = Rented(**given)
    assert (getattr(llm, name), llm.additional_params) == (value, {})
    assert {getattr(llm, other) for other in given} == {value}
    other = Rented()
    for spelling in given:
        setattr(other, spelling, value)
    assert getattr(other, name) == value


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"temperature": "0.3"}, 0.3),
        ({"max_tokens": "50"}, 50),
        ({"max_retries": "1"}, 1),
        ({"timeout": "2.5"}, 2.5),
        ({"stream": "false"}, False),
        ({"stream": 1}, True),
        ({"logprobs": "true"}, True),
        ({"logprobs": 3}, 3),
    ],
)
def test_a_number_or_flag_may_come_as_text_as_from_the_environment(given: dict[str, Any], value: Any) -> None:
    name = next(iter(given))
    assert repr(getattr(Own("m", **given), name)) == repr(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": "hot"}, "temperature of Own: expected a number, not 'hot'"),
        ({"max_tokens": ""}, "max_tokens of Own: expected a whole number, not ''"),
        ({"stream": "maybe"}, "stream of Own: expected true or false, not 'maybe'"),
        ({"timeout": 0}, "timeout of Own: expected a number of seconds above 0, not 0"),
        (
            {"response_format": int},
            "response_format of Own: expected a pydantic model's class or a dict, not <class 'int'>",
        ),
    ],
)
def test_what_is_no_such_setting_is_refused_where_it_is_given(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Own("m", **given)
    assert str(refused.value) == message


def test_two_names_that_say_different_things_are_refused() -> None:
    with pytest.raises(UsageError, match="base_url and api_base are one setting, and say different things"):
        Rented(base_url="http://a", api_base="http://b")


def test_any_other_parameter_is_a_field_of_the_request_and_a_near_one_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm = Rented(verbosity="low", user=None, additional_params={"n": 2})
        # Groq's, and Anthropic's, though they look like settings.
        theirs: dict[str, Any] = {"reasoning_format": "parsed", "speed": "fast", "fallbacks": []}
        assert Rented(**theirs).additional_params == theirs
    assert llm.additional_params == {"verbosity": "low", "n": 2}
    with pytest.warns(UnknownParameterWarning, match="no parameter 'temprature'.*did you mean 'temperature'"):
        assert Rented(temprature=1).additional_params == {"temprature": 1}


def test_an_llm_tells_its_settings_and_no_secret() -> None:
    llm = LLM(
        "openai/gpt-4o-mini",
        api_key=SECRET,
        base_url=f"https://me:{SECRET}@host.example/v1?key={SECRET}",
        default_headers={"x-token": SECRET},
        client_params={"organization": SECRET},
        temperature=0.5,
        stop="END",
        additional_params={
            "user": "me",
            "extra_headers": {"authorization": SECRET},
            "deep": {"api_key": SECRET, "a": 1},
        },
    )
    config = llm.to_config_dict()
    assert config == {
        "model": "openai/gpt-4o-mini",
        "temperature": 0.5,
        "stop": ["END"],
        "base_url": "https://host.example/v1",
        "additional_params": {"user": "me", "deep": {"a": 1}},
    }
    assert SECRET not in repr(llm)
    assert LLM(**config).to_config_dict() == config


@pytest.mark.parametrize(
    "model", ["azure-responses/d", "openai-responses/gpt-4o", "ollama/llama3", "vertex_ai/gemini-2.5"]
)
def test_a_config_makes_the_same_integration_again(model: str) -> None:
    llm = LLM(model)
    assert type(LLM(**llm.to_config_dict())) is type(llm)


def test_an_own_call_publishes_by_the_helpers() -> None:
    llm = Own("own-1")
    ran = streamed(llm, "sync", "Hi")
    assert ran.transcript == ["started", "text 'Hel'", "text 'lo'", "thinking 'well'", "completed 'Hello' stop"]
    assert len({frame.data["call_id"] for frame in ran.frames}) == 1
    assert {frame.data["model"] for frame in ran.frames} == {"own-1"}
    assert llm.get_token_usage_summary().prompt_tokens == 3
    failed = streamed(llm, "sync", "fail")
    assert failed.transcript[-1] == "failed ValueError"
    assert {frame.data["call_id"] for frame in failed.frames} != {frame.data["call_id"] for frame in ran.frames}


def test_a_context_keeps_nothing_of_llms_that_are_gone() -> None:
    def own_calls() -> int:
        calls = next(value for variable, value in copy_context().items() if variable.name == "harness_own_calls")
        return len(calls)

    for _ in range(5):
        Own("own-1").call("Hi")
    gc.collect()
    last = Own("own-1")
    last.call("Hi")
    assert own_calls() == 1


def test_an_own_call_in_a_tool_of_another_is_a_call_of_its_own() -> None:
    class Asking(Own):
        def call(self, messages: Any, *others: Any, **more: Any) -> Any:
            self._emit_call_started_event(messages)
            if messages == "outer":
                self._handle_tool_execution("ask", {}, {"ask": lambda: self.call("inner")})
            self._emit_stream_chunk_event("text")
            self._emit_call_completed_event("text")
            return "text"

    llm = Asking("own-1")
    frames = [frame for frame in llm.stream_events("outer") if frame.channel == "llm"]
    calls: dict[str, list[str]] = {}
    for frame in frames:
        calls.setdefault(frame.data["call_id"], []).append(frame.type)
    types = ["llm_call_started", "llm_stream_chunk", "llm_call_completed"]
    assert list(calls.values()) == [types, types]
    assert frames[-1].data["call_id"] == frames[0].data["call_id"] != frames[1].data["call_id"]
    assert frames[-1].data["started_event_id"] == frames[0].id


SETTINGS: dict[str, Any] = {"temperature": 0.5, "top_p": 0.25, "max_tokens": 4, "stream": True, "seed": 3,
    "stop_sequences": ["A"], "frequency_penalty": 0.125, "presence_penalty": 0.75, "n": 2}  # fmt: skip


def test_an_own_call_tells_the_settings_that_hold_for_it() -> None:
    class Telling(Own):
        def call(self, messages: Any, *others: Any, **more: Any) -> Any:
            self._emit_call_started_event(messages, **(SETTINGS if messages == "own" else {}))
            self._emit_call_completed_event("text")

    llm = Telling("own-1", temperature=1, stop="END")

    def told(messages: str) -> dict[str, Any]:
        started = next(iter(llm.stream_events(messages)))
        return {name: started.data[name] for name in SETTINGS}

    assert told("own") == SETTINGS
    with call_stop_override(llm, ["X"]):
        assert told("Hi") == {**dict.fromkeys(SETTINGS), "temperature": 1.0, "stop_sequences": ["X"], "stream": True}


def test_an_own_call_runs_a_tool_by_the_helper() -> None:
    def fail(**arguments: Any) -> None:
        raise ValueError("no")

    llm = Own("own-1")
    for tools, value in (({"add": lambda a: a + 1}, "2"), ({"add": fail}, None), ({"other": fail}, None)):
        # The scope that it opens stays open, in a context of its own.
        assert copy_context().run(llm.call, "Hi", tools) == value


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
          "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1}},
         (8, 5, 2, 3, 1, 0)),
        ({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 4},
         (22, 19, 10, 3, 0, 4)),
        ({"prompt_token_count": 5, "candidates_token_count": 3, "thoughts_token_count": 2}, (10, 5, 0, 5, 2, 0)),
        ({"inputTokens": 5, "outputTokens": 3, "totalTokens": 8, "cacheReadInputTokens": 1}, (9, 6, 1, 3, 0, 0)),
        ({"prompt_tokens": 15, "completion_tokens": 1, "cache_read_input_tokens": 10}, (16, 15, 10, 1, 0, 0)),
        ({"prompt_tokens": None, "later": {}}, (0, 0, 0, 0, 0, 0)),
    ],
    ids=["chat", "messages", "generate", "converse", "chat with a cache", "nothing"],
)  # fmt: skip
def test_usage_of_any_provider_is_counted_under_the_common_names(
    usage: dict[str, Any], counts: tuple[int, ...]
) -> None:
    metrics = UsageMetrics.from_provider_dict(usage)
    assert metrics is not None
    assert tuple(metrics.model_dump().values()) == (*counts, 1)
    metrics.add_usage_metrics(metrics.model_copy())
    assert tuple(metrics.model_dump().values()) == (*(2 * count for count in counts), 2)


@pytest.mark.parametrize("usage", [None, {}])
def test_usage_that_was_not_told_is_none_and_counts_nothing(usage: dict[str, Any] | None) -> None:
    assert UsageMetrics.from_provider_dict(usage) is None


FLAT = {"name": "add", "description": "Adds."}
SCHEMA = {"type": "object", "properties": {}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "tool",
    [
        {**FLAT, "parameters": SCHEMA},
        {**FLAT, "input_schema": SCHEMA},
        {"type": "function", **FLAT, "parameters": SCHEMA},
    ],
    ids=["parameters", "input_schema", "with a type"],
)
def test_tools_may_be_written_flat(tool: dict[str, Any], way: Way) -> None:
    llm = Scripted(TextDelta("x"), Finish("stop"))
    ran = streamed(llm, way, "Hi", [tool])
    nested = {"type": "function", "function": {**FLAT, "parameters": SCHEMA}}
    assert [one.given() for one in llm.requests[0].tools] == [nested]
    assert ran.frames[0].data["tools"] == [nested]


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"It is 7 °C in {city}."


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_is_given_and_run_as_it_is(way: Way) -> None:
    llm = Scripted(ToolCallDelta(0, "c1", "get_weather", '{"city": "Bergen"}'), Finish("tool_calls"))
    ran = streamed(llm, way, "Hi", [get_weather], available_functions={"get_weather": get_weather})
    assert ran.result == "It is 7 °C in Bergen."
    assert [one.given() for one in llm.requests[0].tools] == [get_weather.definition()]


def test_notes_in_messages_are_not_sent_and_what_says_more_warns() -> None:
    llm = Scripted(Finish("stop"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm.call([{"role": "user", "content": "Hi", "cache_breakpoint": True, "files": {}}])
    with pytest.warns(UnsentFieldWarning, match="not sent of a message: files"):
        llm.call([{"role": "user", "content": "Hi", "files": {"a": b"x"}}])
    assert [request.messages[0].given() for request in llm.requests] == [{"role": "user", "content": "Hi"}] * 2


def test_an_empty_list_of_messages_is_sent() -> None:
    llm = Scripted(TextDelta("x"), Finish("stop"))
    assert llm.call([]) == "x"
    assert llm.requests[0].messages == []


class Refusing(BaseLLM):
    """An integration of a model that takes no stop words."""

    def __init__(self, *pieces: str, **settings: Any) -> None:
        super().__init__("refusing-1", **settings)
        self.pieces = pieces
        self.requests: list[LLMRequest] = []

    def supports_stop_words(self) -> bool:
        return False

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        self.requests.append(request)
        yield from map(TextDelta, self.pieces)
        yield Finish("length", "max_tokens")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("pieces", "stop", "shown", "reason"),
    [
        (("one END two",), ["END"], ["one "], "stop"),
        (("one E", "N", "D two", "three"), ["END"], ["one "], "stop"),
        (("one E", "N", "E", " two"), ["END"], ["one ", "EN", "E two"], "length"),
        (("one EN",), ["END"], ["one ", "EN"], "length"),
        (("a b", "c"), ["c", "b"], ["a "], "stop"),
        (("ab", "abc"), ["abc"], ["ab"], "stop"),
        (("STOP",), ["STOP", ""], [], "stop"),
        (("one",), [], ["one"], "length"),
    ],
    ids=["in one piece", "over pieces", "a beginning only", "a beginning at the end", "the first of two", "twice begun",
         "nothing left", "no words"],
)  # fmt: skip
def test_an_answer_ends_at_a_stop_word_that_its_provider_does_not_know(
    pieces: tuple[str, ...], stop: list[str], shown: list[str], reason: str, way: Way
) -> None:
    llm = Refusing(*pieces, stop=stop)
    ran = streamed(llm, way, "Hi")
    assert [frame.content for frame in ran.frames if frame.type == "llm_stream_chunk"] == shown
    assert ran.result == "".join(shown)
    assert (ran.frames[-1].data["response"], ran.frames[-1].data["finish_reason"]) == (ran.result, reason)
    assert (llm.requests[0].stop, ran.frames[0].data["stop_sequences"]) == (None, stop or None)
