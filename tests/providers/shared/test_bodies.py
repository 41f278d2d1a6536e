"""What a call is given is what the body that is sent says, in the provider's own words and nothing else."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import pytest

from harness.llm import UnsentFieldWarning
from tests.llm.scripted import WAYS, Way, called, streamed
from tests.providers.integrations import each
from tests.providers.integrations.integration import Body, Integration
from tests.servers.scripted_server import ScriptedServer


@pytest.mark.parametrize("way", WAYS)
@each("body", lambda integration: integration.bodies, "name")
def test_the_body_sent_is_what_was_asked_for(
    integration: Integration, body: Body, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server, **body.settings)
    prompt = integration.prompts["structured" if "response_model" in body.keywords else "text"]
    told = pytest.warns(UnsentFieldWarning, match=f"no place for {body.unsent},") if body.unsent else nullcontext()
    with told:
        if body.streams:
            assert streamed(llm, way, prompt, **body.keywords).error is None
        else:
            called(llm, way, prompt, **body.keywords)
    (asked,) = server.requests
    assert asked.body == {**integration.asked(prompt), **body.sent}
    header, credential = integration.credential
    assert re.fullmatch(credential, asked.headers[header])
