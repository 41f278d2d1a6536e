"""A recorded request made again by its integration, as far as the transport: what is sent, and nothing answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harness.errors import ProviderStatusError
from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import recognized
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import Chunk, Ending, WireRequest, WireResponse
from tests.providers.recorded.playing_again import again

#: What everything is answered with: sending is all that is of interest.
_NOTHING = b"{}"
REFUSAL = WireResponse(
    400,
    "Bad Request",
    (("content-type", "application/json"),),
    _NOTHING,
    (Chunk(0, len(_NOTHING), 0.0),),
    Ending("complete", None, 0.0),
    (),
)


_clients: dict[Any, Any] = {}


@dataclass(frozen=True)
class Sent:
    """What of a request must not change."""

    url: str
    #: JSON with its keys sorted, so that `1`, `1.0` and `true` are told apart.
    body: str

    @classmethod
    def of(cls, url: str, body: bytes) -> Sent:
        return cls(url, json.dumps(json.loads(body), sort_keys=True))


def sent_again(url: str, body: bytes) -> Sent:
    """Return what goes out when a recorded request is parsed and sent by its integration and the official SDK.

    Raises:
        UsageError: it can't be rebuilt.
    """
    api = recognized("POST", url)
    assert api is not None, f"{url} is no call to a model"
    made, request = again(api.parse(url, body))
    llm: Any = made
    # A client takes longer to make than a request to send, and depends on nothing else of these LLMs.
    llm._clients = _clients.setdefault((type(llm), llm.base_url, llm.api_version, llm.model), llm._clients)
    seen: list[WireRequest] = []

    def answer(asked: WireRequest, *_: Any) -> WireResponse:
        seen.append(asked)
        return REFUSAL

    with (
        network_guard(),
        no_credentials_needed(),
        playing(Path("nothing.yaml"), ()) as tape,
        patch.object(tape, "answer", answer),
    ):
        try:
            list(llm.generate(request))
        except ProviderStatusError as refused:
            assert refused.status == 400
        else:
            raise AssertionError(f"{url}: the refusal was not heard")
    assert len(seen) == 1, f"{url}: {len(seen)} requests were sent"
    return Sent.of(seen[0].url, seen[0].body)
