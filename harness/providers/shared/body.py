"""The body of a response, in the way in which every SDK's is read: by threads and in loops, whole or piece by piece."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any


class ResponseBody(ABC):
    """A response whose head has come. Which half is used depends on the client that gave it."""

    headers: Mapping[str, str]
    #: What holds the connection of a streamed body.
    _response: Any

    @abstractmethod
    def __init__(self, sent: Any) -> None:
        """Begin with what an SDK returned."""

    @abstractmethod
    def whole(self) -> Any:
        """Return the body of a response that was not streamed."""

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Yield the pieces of a streamed body, in threads."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[Any]:
        """Yield the pieces of a streamed body, in a loop."""

    def close(self) -> None:
        """Let go of the connection, in threads."""
        self._response.close()

    async def aclose(self) -> None:
        """Let go of the connection, in a loop; by default as in threads."""
        self.close()


class HTTPXBody(ResponseBody):
    """The body of a response of httpx, or of its twin, which an SDK may have wrapped in a stream."""

    def __init__(self, sent: Any) -> None:
        self._response = getattr(sent, "response", sent)
        self.headers = self._response.headers

    def whole(self) -> Any:
        return self._response.content

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_bytes()  # type: ignore[no-any-return]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        await self._response.aclose()
