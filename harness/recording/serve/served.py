"""What a recorded provider answers to a request: the recorded response, or a miss that says why there is none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from msgspec.structs import replace

from harness.errors import UnreadableRecordingError
from harness.providers.registry import recognized
from harness.recording.calls.model_calls import called_providers
from harness.recording.faults.faults import Fault, faulted
from harness.recording.files.cassette_document import cassette_name
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import CASSETTE, is_recording, load_recording
from harness.recording.files.walk import check_recording
from harness.recording.pack.access import at_hand
from harness.recording.redact.judge import default_judge
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.match import InteractionIndex
from harness.recording.tape.playback import playable_headers
from harness.recording.tape.request_key import Matching
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse


@dataclass(frozen=True, slots=True)
class Served:
    """Recorded interactions to be served, faults done to them."""

    #: The cassette, as messages name it.
    path: Path
    #: As they were recorded.
    recorded: tuple[Interaction, ...]
    #: As they are served: with faults, there may be more of them.
    interactions: tuple[Interaction, ...]
    #: The specs of the faults.
    faults: tuple[str, ...]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that were called, sorted."""
        return called_providers(self.recorded)

    def variables(self, url: str) -> dict[str, str]:
        """Return the environment variables with which the SDKs of what was called ask a server at `url` the same."""
        found: dict[str, str] = {}
        for interaction in self.recorded:
            api = recognized(interaction.request.method, interaction.request.url, interaction.request.body)
            if api is None:
                continue
            there = urlsplit(interaction.request.url)
            if api.address is not None:
                variable, rest = api.address
                found.setdefault(variable, url + rest.sub("", there.path))
            for name in api.in_urls:
                if value := api.value_in(f"{url}{there.path}?{there.query}", name):
                    found.setdefault(name, value)
        return found


def load_served(path: Path, faults: Sequence[Fault] = ()) -> Served:
    """Return what is recorded at `path`, a recording's folder or a cassette file, with `faults` done to it.

    Raises:
        UnreadableRecordingError: it can't be read, or holds nothing.
        UsageError: a fault can be done to nothing in it.
    """
    with at_hand(path) as here:
        check_recording(here, path)
        if is_recording(here):
            load_recording(here)
            path = path / CASSETTE
            recorded = read_cassette(here / CASSETTE)
        else:
            recorded = read_cassette(here)
    if not recorded:
        raise UnreadableRecordingError(f"'{path}' holds no interactions: there is nothing to serve")
    # Before the faults, one of which puts in such a header on purpose.
    playable = [
        replace(interaction, response=replace(interaction.response, headers=playable_headers(interaction.response)))
        for interaction in recorded
    ]
    return Served(path, recorded, faulted(playable, faults), tuple(fault.spec for fault in faults))


class Answers:
    """Finds the response to each request. Safe to use from several threads.

    Requests match as on a tape, but for scheme, host and port, which are the server's own. Each recorded response is
    given once, in recorded order; when all that match were given, the last is given again: a server that is asked
    twice answers twice.
    """

    def __init__(self, served: Served) -> None:
        self._name = cassette_name(served.path)
        judge = default_judge()
        self._redactor = Redactor(judge)
        self._matching = Matching(secret_names=judge.own_names)
        self._index = self._indexed(served.interactions)
        # Nothing is ever taken from this one, so that it knows the nearest as if nothing had been played.
        self._recorded = served.recorded
        self._all = self._indexed(served.recorded)
        self._last: dict[Any, WireResponse] = {}
        self._lock = threading.Lock()
        #: How many requests were answered from the recording, and how many not.
        self.answered = 0
        self.missed = 0

    def answer(self, request: WireRequest) -> WireResponse:
        """Return the response to `request`; a 404 with a JSON body where none was recorded."""
        comparable = self._comparable(request)
        key = self._matching.key(comparable)
        with self._lock:
            found = self._index.take(comparable)
            response = self._last.get(key) if found is None else found.response
            if response is None:
                self.missed += 1
                return self._miss(request, comparable)
            self.answered += 1
            self._last[key] = response
            return response

    def _indexed(self, interactions: Sequence[Interaction]) -> InteractionIndex:
        requests = [self._comparable(interaction.request) for interaction in interactions]
        return InteractionIndex(interactions, requests, self._matching)

    def _comparable(self, request: WireRequest) -> WireRequest:
        """Return `request` as recorded ones are, without credentials, and without what the server's place decides."""
        clean = self._redactor.request(request)
        parts = urlsplit(clean.url)
        return replace(clean, url=urlunsplit(("http", "served", parts.path, parts.query, "")))

    def _miss(self, request: WireRequest, comparable: WireRequest) -> WireResponse:
        nearest = self._all.nearest(comparable)
        near = "nothing is recorded" if nearest is None else f"nearest: {nearest.number}, {nearest.difference}"
        message = (
            f"cassette '{self._name}': request {self.answered + self.missed} "
            f"({request.method} {urlsplit(request.url).path}) matches none of {len(self._recorded)} ({near}); "
            "record it, or ask what is recorded"
        )
        code = "unrecorded_request"
        candidate = None if nearest is None else {"number": nearest.number, "difference": nearest.difference}
        error = {"message": message, "type": code, "param": None, "code": code, "nearest": candidate}
        body = orjson.dumps({"error": error})
        return WireResponse(
            # Not one of the statuses after which SDKs try again: the next attempt would miss too.
            status=404,
            reason="Not Found",
            headers=(("content-type", "application/json"),),
            body=body,
            chunks=(Chunk(0, len(body), 0.0),),
            ended=Ending("complete", None, 0.0),
            scope=(),
        )
