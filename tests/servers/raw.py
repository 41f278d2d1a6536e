"""A provider on loopback that answers every request with the same bytes, whatever they are."""

from __future__ import annotations

from tests.servers.wire_server import WireRequest, WireResponse, WireServer


class Raw(WireServer):
    """Sends `body` with status 200, and keeps what it was asked in `requests`."""

    def __init__(self, body: bytes, content_type: str = "text/event-stream") -> None:
        super().__init__()
        self.requests: list[WireRequest] = []
        # Nothing is no chunk: an empty one would end the body before its end.
        parts = (body,) if body else ()
        self._response = WireResponse(200, (("content-type", content_type), ("x-request-id", "req_raw")), parts)

    def answer(self, request: WireRequest) -> WireResponse:
        with self.changing():
            self.requests.append(request)
        return self._response
