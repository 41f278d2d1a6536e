"""Redaction: what a recording may hold of the traffic and the frames it records.

It is on by default, and it runs before anything is built for a file and on each incoming request before matching, so
that a recorded request and the same request made again stay equal. Replacing is deterministic and idempotent, and
keeps lengths: of bodies in bytes, of texts in characters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from harness.recording.redact.bodies import redacted_body, redacted_field, redacted_json_lines, redacted_text
from harness.recording.redact.content_coding import opened, opened_request
from harness.recording.redact.judge import Judge, default_judge
from harness.recording.settings import Settings, current_settings
from harness.recording.tape.kept_headers import kept_request_headers, kept_response_headers
from harness.recording.wire import Headers, WireRequest, WireResponse, header_of


class Redactor:
    """Takes the credentials out of whatever a recording is about to hold. Has no state; one serves any number."""

    #: None: the judge of the current project, also in a subclass that has an `__init__` of its own; and so its settings.
    _judge: Judge | None = None
    _settings: Settings | None = None

    def __init__(self, judge: Judge | None = None) -> None:
        """Redact by `judge`, or by the one of the current project.

        Raises:
            UsageError: the project's settings can't be read, or one of its patterns is none.
        """
        self._judge = default_judge() if judge is None else judge
        self._settings = current_settings() if judge is None else None

    def request(self, request: WireRequest) -> WireRequest:
        """Return `request` with the allowed headers only, and without credentials in its URL, headers and body.

        A compressed body is opened, so that a request is the same however a client compresses it.

        Raises:
            RecordingError: the body is compressed in a way that can't be opened.
        """
        plain = opened_request(request)
        body, _ = redacted_body(plain.body, header_of(plain.headers, "content-type") or "", self._judge)
        return replace(
            plain,
            url=self.text(plain.url),
            headers=self._headers(kept_request_headers(plain.headers, self._settings)),
            body=body,
        )

    def response(self, response: WireResponse) -> WireResponse:
        """Return `response` with the allowed headers only, and without credentials in its headers and body.

        The body keeps its length, so that the chunk marks stay true; a compressed one is opened, and its chunks
        marked anew at their old times.

        Raises:
            RecordingError: the body is compressed in a way that can't be opened.
        """
        plain = opened(response)
        body, _ = redacted_body(plain.body, header_of(plain.headers, "content-type") or "", self._judge)
        error = plain.ended.error
        return replace(
            plain,
            reason=self.text(plain.reason),
            headers=self._headers(kept_response_headers(plain.headers, self._settings)),
            body=body,
            ended=replace(plain.ended, error=None if error is None else self.text(error)),
        )

    def text(self, text: str) -> str:
        """Return `text` without credentials, with as many characters."""
        return redacted_text(text, self._judge)[0]

    def payload(self, value: Any) -> Any:
        """Return the JSON `value` without credentials in its strings, names, and whatever stands under a secret name."""
        return self.frames([value])[0]

    def frames(self, frames: Sequence[Any]) -> list[Any]:
        """Return the frames of one run, JSON values in order, without credentials.

        The deltas of one call are put together per field before looking; each keeps its length.
        """
        written = "\n".join(json.dumps(frame, ensure_ascii=False) for frame in frames)
        redacted, hits = redacted_json_lines(written, self._judge)
        return [json.loads(line) for line in redacted.split("\n")] if hits else list(frames)

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, redacted_field(name, value, self._judge)[0]) for name, value in headers)
