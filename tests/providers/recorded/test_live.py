"""What live traffic said is what an integration hears, measured by readers that know no integration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ProviderStatusError
from harness.recording.calls.replay_calls import replay_cassette
from tests.llm.scripted import WAYS, Way
from tests.providers.integrations import each_integration
from tests.providers.integrations.integration import Integration
from tests.providers.recorded.playing_again import heard
from tests.providers.recorded.reading import Exchange, Said, live_exchanges, said


def is_answer(exchange: Exchange) -> bool:
    return exchange.status == 200


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_every_live_answer_says_what_an_independent_reading_finds(
    integration: Integration, way: Way, corpus: Path
) -> None:
    answered = [*filter(is_answer, live_exchanges(corpus, integration.corpus))]
    assert len(answered) >= 7
    for exchange in answered:
        wire = "openai-responses" if exchange.url.endswith("/responses") else integration.wire
        found, expected = heard(exchange.path, exchange.number, way), said(wire, exchange.content_type, exchange.body)
        assert len({call[0] for call in found.calls}) == len(found.calls)
        assert without_own_ids(found, expected) == expected, str(exchange)


def without_own_ids(found: Said, expected: Said) -> Said:
    """Return what was found with "" for the ids of calls that the wire gives none."""
    pairs = zip(found.calls, expected.calls, strict=True)
    return replace(found, calls=[(call[0] if sent[0] else "", *call[1:]) for call, sent in pairs])


#: How often the corpus has a refusal.
REFUSED = {"gemini": 1}


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_live_refusal_is_a_status_error(integration: Integration, way: Way, corpus: Path) -> None:
    refused = [one for one in live_exchanges(corpus, integration.corpus) if not is_answer(one)]
    assert len(refused) >= REFUSED.get(integration.name, 0)
    for exchange in refused:
        with pytest.raises(ProviderStatusError) as raised:
            heard(exchange.path, exchange.number, way)
        told: Any = json.loads(exchange.body)["error"]
        assert (raised.value.status, raised.value.code) == (exchange.status, told.get("status", told["code"]))


@each_integration
def test_every_live_cassette_replays(integration: Integration, corpus: Path) -> None:
    for path in {exchange.path for exchange in live_exchanges(corpus, integration.corpus)}:
        for replayed in replay_cassette(path):
            assert replayed.problems == [], f"{path.name} {replayed.interaction}"
            assert replayed.error is None or replayed.is_recorded_error, f"{path.name} {replayed.interaction}"
