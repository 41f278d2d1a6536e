"""The tape of a run: what answers its requests, and what takes down those that go out.

A transport asks the tape for an answer to each request; where there is none, it goes live and fills a `Take`.
Which tape a request belongs to is `harness.recording.tape.tape`'s matter.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from harness.bus.scope import current_run
from harness.errors import RecordingError, RunCancelled, TransportFault, UnrecordedRequestError, UsageError
from harness.recording.files.cassette_document import cassette_name
from harness.recording.settings import current_settings
from harness.recording.tape.credential_sources import is_for_credentials
from harness.recording.tape.kept_headers import kept_request_headers, kept_response_headers
from harness.recording.tape.match import InteractionIndex
from harness.recording.tape.playback import Playback, without_pause
from harness.recording.tape.request_key import Matching
from harness.recording.tape.take import Take
from harness.recording.wire import Interaction, WireRequest, WireResponse
from harness.recording.words.advice import with_mode
from harness.recording.words.request_line import request_line, without_userinfo

if TYPE_CHECKING:
    from harness.recording.files.cassette_writer import CassetteWriter

#: `none` plays only; `once` records where there is no recording, else plays; `new` plays what is there and records
#: the rest; `all` records anew.
Mode = Literal["none", "once", "new", "all"]


class TapeRedactor(Protocol):
    """What takes secrets out before anything is built for a file. Must be deterministic and idempotent."""

    def request(self, request: WireRequest, /) -> WireRequest:
        """Return `request` as it may be written; incoming and recorded requests are compared in this form."""

    def response(self, response: WireResponse, /) -> WireResponse:
        """Return `response` as it may be written; the body keeps its length."""


class Tape:
    """The interactions of one run, being played, recorded, or both. Safe to use from several threads and tasks."""

    def __init__(
        self,
        path: Path,
        loaded: tuple[Interaction, ...],
        *,
        plays: bool,
        records: bool,
        speed: float | None = None,
        base_url: str | None = None,
        redactor: TapeRedactor | None = None,
        scope_of: Callable[[], tuple[str, ...]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        journal: CassetteWriter | None = None,
    ) -> None:
        self.path = path
        #: How fast answers are to be played: 1.0 as recorded, 2.0 twice as fast, None at once.
        self.speed = speed
        #: Whether recorded interactions answer.
        self.plays = plays
        #: Whether requests may go live, and are then taken down.
        self.records = records
        #: Whether the run is known not to have come to its end: what it recorded is then no recording, and stays beside it.
        self.is_interrupted = False
        #: Whether the run is known to have failed: what it recorded anew takes the place of no recording that is whole.
        self.has_failed = False
        self._base_url = base_url
        self._redactor = redactor
        self._scope_of = scope_of
        self._clock = clock
        self._journal = journal
        self._lock = threading.Lock()
        self._loaded = loaded if plays else ()
        #: What the project says, now: a run may go to a folder that is none of it.
        self.settings = current_settings()
        self._matching = Matching.of(self.settings) if self._loaded else Matching()
        # Made by the first request: many tapes are opened and asked for nothing.
        self._index: InteractionIndex | None = None
        if self._matching.filters:
            # What a project says of matching may be wrong, and is known to be before anything runs.
            self._indexed()
        self._request_count = 0
        self._open: set[Playback] = set()
        self._misses: list[UnrecordedRequestError] = []
        # In the order in which the requests were made; None until the response has ended.
        self._takes: dict[Take, Interaction | None] = {}
        self._failure: Exception | None = None
        self._closed = False
        # Where what a loop has received is redacted, so that the loop goes on meanwhile.
        self._aside: ThreadPoolExecutor | None = None
        self._waiting: list[Future[None]] = []

    def answer(self, request: WireRequest) -> WireResponse | None:
        """Return the recorded response to `request`, each one once; None where the request is to go live.

        Raises:
            TransportFault: with an `UnrecordedRequestError`, where nothing matches and nothing may be recorded.
        """
        if self.records and not self.plays:
            with self._lock:
                self._request_count += 1
            return None
        cleaned = self._clean(request)
        try:
            return self._found(cleaned)
        except UsageError as error:
            # What a project says of matching is wrong; no client is to try again.
            raise TransportFault(error) from error

    def play(self, answer: WireResponse) -> Playback:
        """Return a playing of a recorded answer, which is one of `open_answers` until it has been read or closed."""
        playback = Playback(answer, self.speed, self._open.discard)
        self._open.add(playback)
        return playback

    @property
    def open_answers(self) -> tuple[Playback, ...]:
        """The answers that have been begun, and neither read to their end nor closed."""
        return tuple(self._open)

    def _found(self, cleaned: WireRequest) -> WireResponse | None:
        with self._lock:
            self._request_count += 1
            index = self._indexed()
            found = index.take(cleaned, self._scope_of()) if self.plays else None
            if found is not None:
                made_again = self.speed is None and index.has_another(cleaned)
                return without_pause(found.response) if made_again else found.response
            if self.records:
                return None
            miss = UnrecordedRequestError(self._miss_message(cleaned))
            self._misses.append(miss)
        raise TransportFault(miss)

    def _indexed(self) -> InteractionIndex:
        """Return the index of what was loaded. Whoever asks holds the lock."""
        if self._index is None:
            requests = [self._clean(interaction.request) for interaction in self._loaded]
            self._index = InteractionIndex(self._loaded, requests, self._matching)
        return self._index

    def begin(self, request: WireRequest) -> Take:
        """Return what is to be filled with the live response to `request`; its clock starts now.

        Raises:
            RunCancelled: the run that asks has been closed; an SDK that tries again is not to.
        """
        run = current_run()
        if run is not None and run.cancelled:
            raise RunCancelled
        take = Take(request, self._scope_of(), self._clock, self._finish)
        with self._lock:
            self._takes[take] = None
        return take

    def destination(self, url: str) -> str:
        """Return where a request to `url` goes: with a base URL, its origin, and its path before that of `url`.

        What a base URL ends with and the path begins with, as in `/v1`, is there once: SDKs are given base URLs with it.
        """
        if self._base_url is None:
            return url
        parts, base = urlsplit(url), urlsplit(self._base_url)
        return urlunsplit((base.scheme, base.netloc, _joined(base.path.rstrip("/"), parts.path), parts.query, ""))

    def close(self) -> None:
        """Take down nothing more. A response that is still being read is `cancelled`.

        Raises:
            RecordingError: an exchange could not be redacted, so that it was not taken down.
        """
        with self._lock:
            unfinished = [take for take, interaction in self._takes.items() if interaction is None]
        for take in unfinished:
            take.ended("cancelled")
        self._wait()
        with self._lock:
            self._closed = True
        if self._aside is not None:
            self._aside.shutdown()
        if self._failure is not None:
            raise RecordingError(
                f"cassette '{cassette_name(self.path)}': an exchange could not be redacted and was left out: "
                f"{self._failure!r}"
            ) from self._failure

    @property
    def closed(self) -> bool:
        """Whether the tape has ended."""
        return self._closed

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """What the cassette holds: what was loaded, then what was recorded, in the order of the requests."""
        return (*self._loaded, *self.recorded)

    @property
    def recorded(self) -> tuple[Interaction, ...]:
        """What was taken down since the tape was opened, in the order of the requests."""
        self._wait()
        with self._lock:
            return tuple(interaction for interaction in self._takes.values() if interaction is not None)

    @property
    def unplayed(self) -> tuple[Interaction, ...]:
        """The loaded interactions that no request has asked for, in recorded order; but for those that gave credentials."""
        with self._lock:
            left = self._loaded if self._index is None else self._index.unplayed()
        return tuple(interaction for interaction in left if not is_for_credentials(interaction.request))

    @property
    def misses(self) -> tuple[UnrecordedRequestError, ...]:
        """An error for each request that found no answer, in order, whatever became of the exceptions."""
        with self._lock:
            return tuple(self._misses)

    def _clean(self, request: WireRequest) -> WireRequest:
        headers = kept_request_headers(request.headers, self.settings)
        recorded = replace(request, url=without_userinfo(request.url), headers=headers)
        return recorded if self._redactor is None else self._redactor.request(recorded)

    def _finish(self, take: Take) -> None:
        if self._redactor is None or running_loop() is None:
            self._take_down(take)
            return
        with self._lock:
            if self._closed:
                return
            if self._aside is None:
                self._aside = ThreadPoolExecutor(1, "harness-redaction")
            self._waiting.append(self._aside.submit(self._take_down, take))

    def _wait(self) -> None:
        """Return when all that has ended has been taken down."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.result()

    def _take_down(self, take: Take) -> None:
        try:
            response = take.response()
            response = replace(response, headers=kept_response_headers(response.headers, self.settings))
            request = self._clean(take.request)
            if self._redactor is not None:
                response = self._redactor.response(response)
        except Exception as error:
            self._failure = self._failure or error
            return
        interaction = Interaction(request, response)
        with self._lock:
            if self._closed:
                return
            self._takes[take] = interaction
            if self._journal is not None:
                # What the journal can't hold, the save at the end will complain of, after the run.
                try:
                    self._journal.append(interaction)
                except UnicodeError:
                    pass
                except Exception:
                    self._journal = None

    def _miss_message(self, cleaned: WireRequest) -> str:
        nearest = self._indexed().nearest(cleaned)
        near = f"nearest: {nearest.number}, {nearest.difference}" if nearest else "nothing is recorded"
        return (
            f"cassette '{cassette_name(self.path)}': request {self._request_count} ({request_line(cleaned.method, cleaned.url)}) "
            f"matches none of {len(self._loaded)} ({near}); record it again with {with_mode('all')}"
        )


def running_loop() -> int | None:
    """Return the identity of the loop that runs here; None where none does."""
    try:
        return id(asyncio.get_running_loop())
    except RuntimeError:
        return None


def _joined(base: str, path: str) -> str:
    before, after = base.split("/")[1:], path.split("/")[1:]
    shared = next((count for count in range(len(before), 0, -1) if before[-count:] == after[:count]), 0)
    return "/".join(["", *before, *after[shared:]])
