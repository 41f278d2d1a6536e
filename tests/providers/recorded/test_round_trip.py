"""Every recorded request is parsed, and sent again by its integration, with the same URL and equal JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from harness.errors import UsageError
from harness.providers.registry import recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.wire import WireRequest
from harness.shipped import shipped_folder
from tests.providers.anthropic import requests as requests_anthropic
from tests.providers.bedrock import requests as requests_bedrock
from tests.providers.gemini import requests as requests_gemini
from tests.providers.openai import (
    requests_chat as requests_openai_chat,
    requests_responses as requests_openai_responses,
)
from tests.providers.recorded.sending_again import Sent, sent_again

SHIPPED = shipped_folder()
PROVIDERS = ("anthropic", "azure", "bedrock", "gemini", "openai", "openai-responses")
_BEDROCK_URLS = (requests_bedrock.URL, f"{requests_bedrock.URL}-stream")
#: Requests as other clients might have made them: URL and body.
GENERATED: dict[str, st.SearchStrategy[tuple[str, dict[str, Any]]]] = {
    "anthropic": st.tuples(
        st.sampled_from([requests_anthropic.URL, f"{requests_anthropic.URL}?beta=true"]), requests_anthropic.bodies
    ),
    "azure": requests_openai_chat.azure_bodies,
    "azure-responses": st.tuples(
        st.just("https://r.openai.azure.com/openai/v1/responses"), requests_openai_responses.bodies
    ),
    "bedrock": st.tuples(st.sampled_from(_BEDROCK_URLS), requests_bedrock.bodies),
    "gemini": st.tuples(st.sampled_from(requests_gemini.URLS), requests_gemini.bodies),
    "openai": st.tuples(st.sampled_from(requests_openai_chat.URLS), requests_openai_chat.bodies),
    "openai-responses": st.tuples(st.just(requests_openai_responses.URL), requests_openai_responses.bodies),
}


def calls_of(folder: Path) -> Iterator[tuple[str, str, WireRequest]]:
    """Yield the calls to models in the cassettes under a folder: a name, the provider, the request."""
    for path in sorted(folder.rglob("*.yaml")):
        for number, one in enumerate(read_cassette(path), start=1):
            api = recognized(one.request.method, one.request.url)
            if api is not None:
                yield f"{path.relative_to(folder)} {number}", api.name, one.request


def check(url: str, body: bytes) -> None:
    assert sent_again(url, body) == Sent.of(url, body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_shipped_request_is_sent_again_as_it_was(provider: str) -> None:
    asked = [(name, request) for name, whose, request in calls_of(SHIPPED) if whose == provider]
    assert len(asked) >= 10
    for name, request in asked:
        assert sent_again(request.url, request.body) == Sent.of(request.url, request.body), name


def test_every_live_request_is_sent_again_as_it_was(corpus: Path) -> None:
    found: Counter[str] = Counter()
    for name, provider, request in calls_of(corpus):
        assert sent_again(request.url, request.body) == Sent.of(request.url, request.body), name
        found[provider] += 1
    assert set(found) == set(PROVIDERS), f"{corpus} has {dict(found)}"


@pytest.mark.parametrize("asked", GENERATED.values(), ids=GENERATED)
def test_any_request_is_sent_again_as_it_was(asked: st.SearchStrategy[tuple[str, dict[str, Any]]]) -> None:
    @settings(deadline=None)
    @given(asked)
    def sends(request: tuple[str, dict[str, Any]]) -> None:
        url, body = request
        check(url, json.dumps(body).encode())

    sends()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_with_anything_in_any_place_is_sent_again_or_refused_by_name(provider: str) -> None:
    recorded = [request for _, whose, request in calls_of(SHIPPED) if whose == provider]

    @settings(deadline=None)
    @given(st.data())
    def sends(data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(recorded))
        body = json.loads(request.body)
        place = data.draw(st.sampled_from(list(_places(body))))
        _put(body, place, data.draw(_ANYTHING))
        changed = json.dumps(body).encode()
        try:
            sent = sent_again(request.url, changed)
        except UsageError as error:
            assert any(str(step) in str(error) for step in place), (place, str(error))
        else:
            assert sent == Sent.of(request.url, changed)

    sends()


_ANYTHING = st.recursive(
    st.sampled_from([None, True, False, 0, 1, -1, 1.5, "", "é 🗼"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def _places(value: Any) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of everything in a JSON value, and of a field that each object might have besides."""
    inner: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        yield ("later_invention",)
        inner = iter(value.items())
    elif isinstance(value, list):
        inner = iter(enumerate(value))
    for step, one in inner:
        yield (step,)
        yield from ((step, *rest) for rest in _places(one))


def _put(value: Any, place: tuple[str | int, ...], new: Any) -> None:
    *path, last = place
    for step in path:
        value = value[step]
    value[last] = new
