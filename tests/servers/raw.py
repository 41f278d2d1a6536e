"""A provider on loopback that answers every request with the same bytes, whatever they are."""

from __future__ import annotations

from tests.servers.wire_server import WireRequest, WireResponse, WireServer


class Raw(WireServer):
    """Sends `body` with `status`, and keeps what it was asked in `requests`."""

    def __init__(self, body: bytes = b"", content_type: str = "text/event-stream", status: int = 200) -> None:
        super().__init__()
        self.requests: list[WireRequest] = []
        self.sends(body, content_type, status)

    def sends(self, body: bytes, content_type: str, status: int = 200) -> None:
        """Answer with this from now on."""
        # Nothing is no chunk: an empty one would end the body before its end.
        parts = (body,) if body else ()
        self._response = WireResponse(status, (("content-type", content_type), ("x-request-id", "req_raw")), parts)

    def answer(self, request: WireRequest) -> WireResponse:
        with self.changing():
            self.requests.append(request)
        return self._response
