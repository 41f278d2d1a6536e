"""The older way to read a stream: the chunks of a crew's or a flow's run, as a view of a session."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from harness.errors import UsageError
from harness.frames.frame import StreamFrame
from harness.frames.legacy import StreamChunk, StreamChunkType, stream_frame_to_chunk
from harness.session.session import AsyncStreamSession, StreamSession

T = TypeVar("T")
_NOTHING: Final = object()
_TOO_EARLY: Final = "Streaming has not completed yet: iterate over all chunks before reading the result."


class TaskPlaces:
    """Which task each frame is of, by its task's id, or by the scope that it stands in."""

    def __init__(self, task_ids: Sequence[str]) -> None:
        self._by_id = {task_id: place for place, task_id in enumerate(task_ids)}
        #: The scopes that stand in a task.
        self._by_scope: dict[str, int] = {}

    def chunk(self, frame: StreamFrame) -> StreamChunk | None:
        """Return the chunk of a frame, with the place of its task; frames come in their order."""
        # An event of somebody's own may have anything there.
        place = self._by_id.get(str(frame.data.get("task_id")), -1)
        if place < 0:
            place = self._by_scope.get(frame.parent_id or "", 0)
        if frame.type.endswith("_started"):
            self._by_scope[frame.id] = place
        chunk = stream_frame_to_chunk(frame)
        return chunk.model_copy(update={"task_index": place}) if chunk is not None and place else chunk


class _Chunked(Generic[T]):
    """What both kinds of output show: the chunks of a session, or of iterators that were given."""

    def __init__(
        self,
        sync_iterator: Iterable[StreamChunk] | None = None,
        async_iterator: AsyncIterable[StreamChunk] | None = None,
    ) -> None:
        """Make an output of chunks that come from elsewhere, once; what has a result is told it by `_set_result`."""
        self._session: StreamSession[Any] | AsyncStreamSession[Any] | None = None
        self._task_ids: tuple[str, ...] = ()
        self._sync = None if sync_iterator is None else iter(sync_iterator)
        self._async = None if async_iterator is None else aiter(async_iterator)
        self._read: list[StreamChunk] = []
        self._result: Any = _NOTHING
        self._failure: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._is_at_end = False
        self._is_closed = False

    @classmethod
    def of(cls, session: StreamSession[Any] | AsyncStreamSession[Any], task_ids: Sequence[str] = ()) -> Self:
        """Return the chunks of a session; reading the first one starts its run."""
        made = cls()
        made._session = session
        made._task_ids = tuple(task_ids)
        return made

    # Reading it.

    def __iter__(self) -> Iterator[StreamChunk]:
        """Yield every chunk from the first one on, each time.

        Raises:
            UsageError: it is read by `async for`.
            BaseException: what the run failed with, after the chunks that came.
        """
        if isinstance(self._session, StreamSession):
            return self._chunks_of(iter(self._session))
        if self._session is not None or self._sync is None:
            raise UsageError("this output is read by `async for`: it comes from an async kickoff")
        return self._replayed(self._sync)

    def __aiter__(self) -> AsyncIterator[StreamChunk]:
        """Do as `__iter__`, in a loop."""
        if isinstance(self._session, AsyncStreamSession):
            return self._achunks_of(self._session)
        if self._session is not None or self._async is None:
            raise UsageError("this output is read by `for`: it comes from a sync kickoff")
        return self._areplayed(self._async)

    def _chunks_of(self, frames: Iterator[StreamFrame]) -> Iterator[StreamChunk]:
        places = TaskPlaces(self._task_ids)
        return (chunk for frame in frames if (chunk := places.chunk(frame)) is not None)

    async def _achunks_of(self, session: AsyncStreamSession[Any]) -> AsyncIterator[StreamChunk]:
        places = TaskPlaces(self._task_ids)
        async for frame in session:
            if (chunk := places.chunk(frame)) is not None:
                yield chunk

    def _replayed(self, chunks: Iterator[StreamChunk]) -> Iterator[StreamChunk]:
        place = 0
        while place < len(self._read) or self._goes_on():
            if place == len(self._read):
                with self._reading():
                    self._take(next(chunks, None))
                continue
            yield self._read[place]
            place += 1

    async def _areplayed(self, chunks: AsyncIterator[StreamChunk]) -> AsyncIterator[StreamChunk]:
        place = 0
        while place < len(self._read) or self._goes_on():
            if place == len(self._read):
                with self._reading():
                    self._take(await anext(chunks, None))
                continue
            yield self._read[place]
            place += 1

    def _goes_on(self) -> bool:
        """Return whether there may be more chunks. Raises what reading them failed with."""
        if self._error is not None:
            raise self._error
        return not self.is_completed

    @property
    def _error(self) -> BaseException | None:
        """What reading failed with, as it was then: its traceback does not grow by being raised."""
        return None if self._failure is None else self._failure.with_traceback(self._traceback)

    def _take(self, chunk: StreamChunk | None) -> None:
        """Keep the next chunk, unless somebody has closed the output meanwhile; None is the end."""
        if chunk is None:
            self._is_at_end = True
        elif not self._is_closed:
            self._read.append(chunk)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A block that reads a chunk, and notes what that failed with."""
        try:
            yield
        except Exception as error:
            self._failure, self._traceback, self._is_at_end = error, error.__traceback__, True
            raise

    # What is known of it.

    @property
    def chunks(self) -> list[StreamChunk]:
        """A copy of the chunks so far, in order."""
        if self._session is None:
            return list(self._read)
        return list(self._chunks_of(iter(self._session.frames)))

    def get_full_text(self) -> str:
        """Return the text so far; pieces of tool calls are none."""
        return "".join(chunk.content for chunk in self.chunks if chunk.chunk_type is StreamChunkType.TEXT)

    @property
    def is_completed(self) -> bool:
        """True when it has been read to its end, whatever that was, or closed."""
        return self._is_at_end or self._is_closed if self._session is None else self._session.is_completed

    @property
    def is_cancelled(self) -> bool:
        """True when it was closed before it had been read to its end."""
        return self._is_closed if self._session is None else self._session.is_cancelled

    @property
    def result(self) -> T:
        """What the run came to, once it has been read to its end.

        Raises:
            RuntimeError: it has not, or it was closed before; or nobody has told the result.
            BaseException: what the run failed with, the same object each time.
        """
        if self._session is not None:
            return self._session.result  # type: ignore[no-any-return]
        if self._error is not None:
            raise self._error
        if self._is_closed:
            raise RuntimeError("The stream was closed before it had been read to its end: there is no result.")
        if not self._is_at_end:
            raise RuntimeError(_TOO_EARLY)
        if self._result is _NOTHING:
            raise RuntimeError("No result has been set.")
        return self._result  # type: ignore[no-any-return]

    def _set_result(self, result: T) -> None:
        self._result = result

    # Leaving it.

    def close(self) -> None:
        """Stop the run, unless it has been read to its end. Returns at once; from any thread, any number of times."""
        if self._session is not None:
            self._session.close()
        elif not self._is_at_end:
            self._is_closed = True
            _call(self._sync, "close")

    async def aclose(self) -> None:
        """Do as `close`, and give the run's task a moment to clean up."""
        if isinstance(self._session, AsyncStreamSession):
            await self._session.aclose()
            return
        self.close()
        closing = _call(self._async, "aclose") if self._session is None else None
        if closing is not None:
            await closing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _call(iterator: Any, name: str) -> Any:
    method: Callable[[], Any] | None = getattr(iterator, name, None)
    return None if method is None else method()


class CrewStreamingOutput(_Chunked[Any]):
    """The chunks of a crew's run: text and tool calls, each once, with the task and the agent that they come from.

    Iterating it starts the run; iterating it again gives the same chunks. Leaving the block closes it.
    """

    @property
    def results(self) -> list[Any]:
        """What each run came to, in the order of the inputs; of one run, a list of its result. Raises as `result`."""
        result = self.result
        return result if isinstance(result, list) else [result]

    def _set_results(self, results: list[Any]) -> None:
        self._set_result(results)


class FlowStreamingOutput(_Chunked[Any]):
    """The chunks of a flow's run, made by hand of iterators; flows themselves give sessions."""
