"""The calls of a plain cassette, each made again through the public `LLM` against its recorded response.

A call that can't be read or can't be made again is told as such, with the reason; it is nobody's failure, and the others
of its file are judged all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from msgspec.structs import replace

from harness.errors import HarnessError, RecordingError, UnreadableRecordingError, UsageError
from harness.llm.llm import LLM
from harness.llm.overrides import call_stream_override
from harness.llm.recorded import RecordedCall
from harness.providers.registry import recognized
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE
from harness.recording.calls.readable import check_coding, with_coding_and_type
from harness.recording.calls.unmarked_ends import NOTE, hosts_that_mark, is_whole_without_mark
from harness.recording.calls.unsupported import unsupported_api
from harness.recording.environment import played_environment
from harness.recording.files.cassette_reader import read_cassette, read_each
from harness.recording.pack.access import at_hand
from harness.recording.record import host_of
from harness.recording.redact.content_coding import opened_request
from harness.recording.replayed import Replayed
from harness.recording.tape.tape import Tape, network_guard, playing
from harness.recording.wire import Interaction
from harness.session.session import StreamSession


def replay_cassette(path: Path, *, speed: float | None = None, strict: bool = False) -> Iterator[Replayed]:
    """Make each call of a plain cassette again. With `strict`, all interactions must be readable.

    Raises:
        UnreadableRecordingError: the cassette can't be read, or holds nothing.
        RecordingError: with `strict`, as `read_cassette`.
    """
    with at_hand(path) as here:
        interactions = read_cassette(here) if strict else read_each(here)
    if not interactions:
        raise UnreadableRecordingError(f"'{path}' holds no interactions: there is nothing to check")
    marking = cache(partial(hosts_that_mark, interactions))
    for number, interaction in enumerate(interactions, start=1):
        if isinstance(interaction, RecordingError):
            yield Replayed(path, "cassette", number, unjudged=str(interaction))
        else:
            yield _replay_interaction(path, number, interaction, speed, marking)


def _replay_interaction(
    path: Path, number: int, recorded: Interaction, speed: float | None, marking: Callable[[], frozenset[str]]
) -> Replayed:
    # A fragment is the client's own; it is never sent.
    request = replace(recorded.request, url=urldefrag(recorded.request.url).url)
    interaction = replace(recorded, request=request, response=with_coding_and_type(recorded.response))
    replayed = Replayed(path, "cassette", number, status=interaction.response.status)
    api = recognized(request.method, request.url, request.body)
    if api is None:
        call_line, other = (
            f"{request.method.upper()} {host_of(request.url)}",
            unsupported_api(request.method, request.url),
        )
        if other is None:
            replayed.not_a_call = f"{call_line} is no call to a model"
        else:
            replayed.unjudged = f"{call_line} is a call to a model by {other}, which is not supported"
        return replayed
    replayed.provider = api.name
    try:
        # Some clients compress what they send; what is compared is what is in it.
        interaction = replace(interaction, request=opened_request(request))
        request = interaction.request
        call = api.parse(request.url, request.body)
        replayed.streamed = bool(call.stream)
        check_coding(interaction.response)
        unmarked = bool(call.stream) and is_whole_without_mark(api, interaction, marking)
        ends: dict[str, Any] = {"without_end_marker": True} if unmarked else {}
        llm = LLM(call.model, stream=call.stream, max_retries=0, **ends, **call.settings)
    except HarnessError as error:
        replayed.unjudged = str(error)
        return replayed
    except OF_ANOTHER_SHAPE as error:
        # A setting that is none.
        replayed.unjudged = f"the recorded request can't be rebuilt: {type(error).__name__}: {error}"
        return replayed
    with (
        network_guard() as guard,
        played_environment((interaction,)),
        playing(path, (interaction,), speed=speed) as tape,
    ):
        session = StreamSession(lambda: _made_again(llm, call), source=llm)
        replayed.sessions.append(session)
        try:
            replayed.frames.extend(session)
        except Exception as error:
            replayed.error = error
    replayed.problems.extend(map(str, guard.blocked))
    if unmarked:
        replayed.notes.append(NOTE)
    replayed.unjudged = _not_made_again(tape, replayed.error)
    if replayed.error is not None and not interaction.response.body and interaction.response.status == 200:
        replayed.problems.append("the recorded body is empty")
    return replayed


def _made_again(llm: LLM, call: RecordedCall) -> Any:
    with call_stream_override(llm, bool(call.stream)):
        return llm.call(call.messages, call.tools or None)


def _not_made_again(tape: Tape, error: BaseException | None) -> str | None:
    """Return why the recorded request was not made again as it was; None where it was."""
    if tape.misses:
        return f"the recorded request can't be rebuilt: {tape.misses[0]}"
    if not tape.unplayed:
        return None
    if isinstance(error, UsageError):
        return f"the recorded request can't be rebuilt: {error}"
    return f"the recorded request was not made again{'' if error is None else f': {type(error).__name__}: {error}'}"
