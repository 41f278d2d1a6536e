"""A model that is asked through its provider's SDK: the two ways of asking, in threads and in loops, for all of them."""

from __future__ import annotations

import contextlib
import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Final

from harness.errors import HarnessError, UsageError
from harness.llm.llm import LLM
from harness.llm.output.parts import Part, RequestId
from harness.llm.pump import ended
from harness.llm.request import LLMRequest
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.generators import ClosedPieces, Released
from harness.providers.shared.reasoning.fields import KeptReasoning
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE

#: What Python's encoder says of a value that JSON does not have.
_NO_JSON: Final = re.compile(r"not JSON (?:serializable|compliant)")


class SDKModel(LLM):
    """A model that is asked through an SDK. A subclass says how to ask, and how an answer becomes parts."""

    #: What makes the body of a response of what the SDK returned.
    response_body: ClassVar[type[ResponseBody]]
    #: What one is told who gives an interceptor to an SDK that has none.
    no_interceptor: ClassVar[str | None] = None

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if self.interceptor is not None and self.no_interceptor is not None:
            raise UsageError(f"{self.provider}: {self.no_interceptor}")
        self._clients = SDKClients(self._new_client, self._new_async_client)

    @abstractmethod
    def _new_client(self) -> Any:
        """Return a client for threads, which has a `close()`."""

    @abstractmethod
    def _new_async_client(self) -> Any:
        """Return a client for the loop that runs here, which has an async `close()`."""

    def check(self, request: LLMRequest) -> None:
        self._arguments(request)

    @abstractmethod
    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        """Return what the SDK is to be given. Raises UsageError for what can't be sent."""

    @abstractmethod
    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        """Ask; return what the SDK returns, of an async client an awaitable of it."""

    @abstractmethod
    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        """Return a new answer."""

    @abstractmethod
    def _translated(self, error: Exception, answer: ProviderAnswer) -> HarnessError | None:
        """Return the error to raise for what the SDK raised; None for what does not come from it."""

    def _keep(self, request: LLMRequest, answer: Any) -> None:
        """Take note of an answer to a request that has come whole."""

    def _begun(self, request: LLMRequest) -> ProviderAnswer:
        answer = self._answer(request)
        answer.without_end_marker = self.without_end_marker
        return answer

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer, arguments = self._begun(request), self._arguments(request)
        streams = bool(request.stream)
        with _translation(self, answer):
            body = type(self).response_body(self._send(self._clients.sync(), arguments, stream=streams))
            # From its head on a streamed body holds a connection, which a reader who leaves here must not keep.
            with contextlib.closing(body) if streams else contextlib.nullcontext():
                answer.head(body.headers)
                yield RequestId(answer.request_id)
                if not streams:
                    yield from answer.whole(body.whole())
                else:
                    with ended(iter(body)) as pieces:
                        for piece in pieces:
                            yield from answer.piece(piece)
                            if answer.is_over and not answer.ends_body:
                                break
            if streams:
                yield from answer.end()
        self._keep(request, answer)

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer, arguments = self._begun(request), self._arguments(request)
        streams = bool(request.stream)
        with _translation(self, answer):
            body = type(self).response_body(await self._send(self._clients.running(), arguments, stream=streams))
            async with Released(body) if streams else contextlib.nullcontext():
                answer.head(body.headers)
                yield RequestId(answer.request_id)
                if not streams:
                    for part in answer.whole(body.whole()):
                        yield part
                else:
                    async with Released(ClosedPieces(aiter(body))) as pieces:
                        async for piece in pieces:
                            for part in answer.piece(piece):
                                yield part
                            if answer.is_over and not answer.ends_body:
                                break
            if streams:
                for part in answer.end():
                    yield part
        self._keep(request, answer)


class ReasoningModel(SDKModel):
    """A model whose reasoning before tool calls is kept with the instance, and goes back with them."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._reasoning = KeptReasoning()

    def _keep(self, request: LLMRequest, answer: Any) -> None:
        self._reasoning.keep(request, answer.call_ids, answer.reasoning, getattr(answer, "extras", {}))


@contextlib.contextmanager
def _translation(llm: SDKModel, answer: ProviderAnswer) -> Iterator[None]:
    """Raise what an SDK or the reading of an answer raises inside as an error of this project."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        ours = llm._translated(error, answer)
        if answer.is_over and ours is not None:
            # What breaks behind the end of an answer is none of it.
            return
        is_text = isinstance(error, UnicodeEncodeError)
        # A server in Python may say the same, of a value of its own.
        if not answer.begun and (is_text or (ours is None and _NO_JSON.search(str(error)))):
            kind = "text" if is_text else "a value"
            ours = UsageError(f"{answer.provider}: the request has {kind} that can't be sent ({error})")
        if ours is None and answer.begun and isinstance(error, OF_ANOTHER_SHAPE):
            ours = answer.malformed(error)
        if ours is None:
            raise
        for note in _notes(error):
            ours.add_note(note)
        raise ours from error


def _notes(error: BaseException | None) -> list[str]:
    """Return what notes of an error and of its causes say, such as that it comes from a recording."""
    found: dict[str, None] = {}
    while error is not None:
        found |= dict.fromkeys(getattr(error, "__notes__", ()))
        # Some SDKs keep what they wrap in a field of their own.
        error = getattr(error, "inner_exception", None) or error.__cause__ or error.__context__
    return list(found)
