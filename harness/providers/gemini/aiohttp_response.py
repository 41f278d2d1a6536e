"""A response of aiohttp that is read as it was sent, whatever its head says of its content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from harness.providers.shared.content import ContentDecoder, decoder_of, in_utf8


class ResponseAsSent(aiohttp.ClientResponse):
    """One of a session that decodes nothing by itself."""

    def _decoder(self) -> ContentDecoder:
        return decoder_of(self.headers.get("content-encoding"))

    def pieces(self) -> AsyncIterator[bytes]:
        return self._decoder().adecoded(self.content.iter_any())

    async def read(self) -> bytes:
        if self._body is None:
            decoder = self._decoder()
            sent = (*decoder.decode(await super().read()), *decoder.flush())
            self._body = in_utf8(b"".join(sent), self.charset)
        return self._body

    async def json(self, **options: Any) -> Any:
        try:
            return await super().json(**options)
        except (ValueError, RecursionError):
            # As the SDK has what is of another content type.
            return {"message": await self.text(), "status": self.reason}

    def get_encoding(self) -> str:
        return "utf-8"
