"""A whole app around one target: a page, runs that are started from it, and their events."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.errors import UsageError
from harness.web.feed import AHEAD, Feed, feed_of
from harness.web.front_ends import FrontEndRequest, front_end_request
from harness.web.page import page_response, timeline_response
from harness.web.response import SessionResponse
from harness.web.runs import Runs, StoreFullError
from harness.web.sites import OwnSite, checked_origins
from harness.web.subject import ServedSubject

#: The names that loopback has.
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
#: The longest body that is taken, in bytes.
_LARGEST_BODY: Final = 1 << 20
#: So many questions are kept in mind whose answers have come.
_MOST_ANSWERED: Final = 10_000


class TimelinePage(Protocol):
    """Makes the page of a run's timeline."""

    def __call__(self, title: str, frames: Sequence[Any], *, is_whole: bool) -> str:
        """Return HTML in one piece; `is_whole` says whether the run has come to its end."""


def create_app(
    target: str,
    *,
    runs: Runs | None = None,
    origins: Collection[str] = (),
    hosts: Collection[str] = LOOPBACK,
    timeline: TimelinePage | None = None,
) -> Starlette:
    """Return an ASGI app that runs `target`, as `package.module:attribute`, for its page and for whoever asks.

    | request | answer |
    |---|---|
    | `GET /` | the page |
    | `GET /app.json` | `name`, `conversation`, `fields`, `timeline` |
    | `POST /runs` with `{"inputs": {…}}`, or `{"message", "conversation"}` | 201: `run`, `events`, `conversation` |
    | `POST /runs?format=agui` or `vercel` with what a client of that protocol posts | the run, started and streamed |
    | `GET /runs/{run}/events` | its events, as `sse` has them; `?format=` chooses |
    | `GET /runs/{run}` | `status`, `frames`, `error`, `error_type` |
    | `POST /runs/{run}/answers` with `{"answer": text}`, and `question` where it asks several | 204; 201 as `POST /runs`, \
where it went on with the answer as a run of its own, with `paused` also where another process has left it waiting |
    | `GET /runs/{run}/timeline` | the page that `timeline` makes of it, where that is given |
    | `DELETE /runs/{run}` | ends the run |

    Errors are `{"error": text}`. Requests from other sites' pages are refused but for `origins`, and so are those for
    another host than `hosts`, which keeps out names that strangers point here.

    Raises:
        UsageError: the target can't be imported or run, or an origin is none.
    """
    origins = checked_origins(origins)
    served = ServedSubject(target)
    store = Runs(origins=origins) if runs is None else runs
    routes = _Routes(served, store, timeline)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    return Starlette(
        routes=[
            Route("/", routes.page),
            Route("/app.json", routes.about),
            Route("/runs", routes.start, methods=["POST"]),
            Route("/runs/{run}", routes.run, methods=["GET", "DELETE"]),
            Route("/runs/{run}/events", routes.events),
            Route("/runs/{run}/timeline", routes.timeline),
            Route("/runs/{run}/answers", routes.answer, methods=["POST"]),
        ],
        middleware=[Middleware(OwnSite, origins=origins, hosts=hosts)],
        exception_handlers={
            UsageError: _usage_error,
            StoreFullError: _store_full,
            HTTPException: _http_error,
            Exception: _any_error,
        },
        lifespan=lifespan,
    )


class _Routes:
    def __init__(self, served: ServedSubject, runs: Runs, timeline: TimelinePage | None) -> None:
        self._served = served
        self._timeline = timeline
        self._runs = runs
        #: The latest run of each conversation; gone with the run.
        self._turns: WeakValueDictionary[str, Feed] = WeakValueDictionary()
        #: Questions of runs that have paused whose answers have come, the latest; each leads to one run.
        self._answered: dict[str, None] = {}

    async def page(self, request: Request) -> Response:
        return page_response()

    async def about(self, request: Request) -> Response:
        served = self._served
        description = {"name": served.name, "conversation": served.is_conversation, "fields": served.fields}
        return JSONResponse({**description, "timeline": self._timeline is not None})

    async def start(self, request: Request) -> Response:
        body = await _json_body(request)
        if "format" in request.query_params:
            return await self._stream(front_end_request(request.query_params["format"], body))
        inputs, message, conversation = body.get("inputs", {}), body.get("message"), body.get("conversation")
        unknown = sorted(body.keys() - {"inputs", "message", "conversation"})
        if unknown:
            raise UsageError(f"the body has {unknown[0][:50]!r}; expected inputs, or message and conversation")
        if not isinstance(inputs, dict):
            raise UsageError("inputs are an object, a value by each name")
        if message is None:
            session, subject = await run_in_threadpool(self._served.start, inputs)
        elif not isinstance(message, str) or not message.strip() or not isinstance(conversation, str | None):
            raise UsageError("message is text that is not blank, and conversation the id that an answer brought")
        elif self._is_open(conversation):
            raise HTTPException(409, "a turn of this conversation is under way; wait for its end, or end it")
        else:
            try:
                session, conversation, subject = await run_in_threadpool(self._served.start_turn, message, conversation)
            except KeyError:
                raise HTTPException(404, "there is no such conversation here any more; begin a new one") from None
        return self._begun(request, session, subject, conversation)

    def _begun(self, request: Request, session: Any, subject: Any, conversation: str | None) -> Response:
        run = self._runs.add(session, asks=True)
        self._note(subject, conversation, self._runs.feed(run))
        # Where the app is mounted in another, or behind a proxy that takes a prefix off.
        prefix = request.scope.get("root_path", "")
        where = f"{prefix}{request.app.url_path_for('events', run=run)}"
        document = {"run": run, "events": where, "conversation": conversation}
        return JSONResponse(document, 201, headers={"X-Run-Id": run, "Location": where, "Cache-Control": "no-store"})

    async def _stream(self, request: FrontEndRequest) -> Response:
        served = self._served
        if request.answer is not None:
            answer = request.answer
            latest = self._turns.get(request.conversation)
            waiting = await self._waiting(latest, answer.flow, answer.question)
            subject, _ = _found(waiting)
            session = await run_in_threadpool(served.resume, subject, answer.text)
        elif served.is_conversation:
            message = request.message
            if message is None or not message.strip():
                raise UsageError("there is no message of the user that is not blank")
            if self._is_open(request.conversation):
                raise HTTPException(409, "a turn of this conversation is under way; wait for its end")
            session, _, subject = await run_in_threadpool(served.start_turn, message, request.conversation, begins=True)
        else:
            prompt = request.message if served.takes_prompt else None
            inputs = request.inputs if prompt is None else {"messages": prompt}
            session, subject = await run_in_threadpool(served.start, inputs)
        # Who has left can't come back to an answer of a POST.
        feed = feed_of(session, ahead=AHEAD, linger_s=0.0, asks=True)
        run = self._runs.add(session)
        self._note(subject, request.conversation, feed)
        return SessionResponse(feed, format=request.format, headers={"X-Run-Id": run})

    async def events(self, request: Request) -> Response:
        return self._runs.sse(request.path_params["run"], format=request.query_params.get("format", "frames"))

    async def run(self, request: Request) -> Response:
        return await (self.end(request) if request.method == "DELETE" else self.status(request))

    async def status(self, request: Request) -> Response:
        run = request.path_params["run"]
        feed = self._runs.feed(run)
        if feed is None:
            return self._runs.missing(run)
        running = {"status": "running", "frames": len(feed.frames), "error": None, "error_type": None}
        return JSONResponse(running if feed.end is None else asdict(feed.end), headers={"Cache-Control": "no-store"})

    async def timeline(self, request: Request) -> Response:
        run = request.path_params["run"]
        feed = self._runs.feed(run)
        if feed is None:
            return self._runs.missing(run)
        if self._timeline is None:
            raise HTTPException(404, "this app has no page for timelines; harness serve --app has")
        made = partial(self._timeline, self._served.name, tuple(feed.frames), is_whole=feed.has_ended)
        return timeline_response(await run_in_threadpool(made))

    async def answer(self, request: Request) -> Response:
        run, body = request.path_params["run"], await _json_body(request)
        text, number, paused = body.get("answer"), body.get("question"), _paused(body.get("paused"))
        unknown = body.keys() - {"answer", "question", "paused"}
        if not isinstance(text, str) or not isinstance(number, int | None) or unknown:
            raise UsageError("expected answer, a text, and question, its number, where the run asks several")
        feed = self._runs.feed(run)
        if feed is not None and feed.answer(text, number):
            return Response(status_code=204)
        waiting = await self._waiting(feed, *paused)
        if waiting is None and feed is None and paused == (None, None):
            return self._runs.missing(run)
        subject, conversation = _found(waiting)
        session = await run_in_threadpool(self._served.resume, subject, text)
        return self._begun(request, session, subject, conversation)

    async def _waiting(
        self, feed: Feed | None, flow: str | None, question: str | None
    ) -> tuple[Any, str | None] | None:
        """Return what a run that has paused is of, and its conversation; None where nothing waits there.

        A run that is not here, as it was another process's, is found by the ids of its flow and of its question.
        """
        if feed is not None:
            waiting, pending = feed.subject, getattr(feed.subject[0], "pending_feedback", None)
            if not feed.has_ended or pending is None or question not in (None, pending.request_id):
                return None
            feed.subject = (None, None)
            self._note_answer(pending.request_id)
            return waiting
        if flow is None or question is None or question in self._answered:
            return None
        # Before it is looked for: of two who answer at once, one is the first.
        self._note_answer(question)
        try:
            subject = await run_in_threadpool(self._served.waiting_flow, flow, question)
        except KeyError:
            return None
        return subject, flow if self._served.is_conversation else None

    async def end(self, request: Request) -> Response:
        run = request.path_params["run"]
        return Response(status_code=204) if self._runs.end(run) else self._runs.missing(run)

    def _is_open(self, conversation: str | None) -> bool:
        feed = self._turns.get(conversation or "")
        return feed is not None and feed.has_begun and not feed.has_ended

    def _note(self, subject: Any, conversation: str | None, feed: Feed | None) -> None:
        if feed is not None:
            feed.subject = (subject, conversation)
            if conversation is not None:
                self._turns[conversation] = feed

    def _note_answer(self, question: str | None) -> None:
        if question is not None:
            self._answered[question] = None
            while len(self._answered) > _MOST_ANSWERED:
                del self._answered[next(iter(self._answered))]


def _found(waiting: tuple[Any, str | None] | None) -> tuple[Any, str | None]:
    if waiting is None:
        raise HTTPException(409, "the run does not ask that, or not any more")
    return waiting


def _paused(pause: Any) -> tuple[str | None, str | None]:
    """Return the ids of a flow that waits and of its question, as a body has them."""
    if pause is None:
        return None, None
    if not isinstance(pause, dict) or not all(isinstance(pause.get(name), str) for name in ("flow", "request")):
        raise UsageError("paused has flow and request: the ids that the frames of a run that waits have told")
    return pause["flow"], pause["request"]


async def _json_body(request: Request) -> dict[str, Any]:
    # Another site's page can't send this type without having asked first, which `OwnSite` answers.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected a body of the content type application/json")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_BODY:
            raise HTTPException(413, f"the body is larger than {_LARGEST_BODY} bytes")
    try:
        orjson.loads(body)
        # The strict reader would round an integer of more than 64 bits.
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError("the body is JSON, but no object")
    return document


async def _usage_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _store_full(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503, headers={"Retry-After": "5"})


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _any_error(request: Request, error: Exception) -> Response:
    # What went wrong is in the server's log; it may be nothing for strangers.
    return JSONResponse({"error": "the server failed at this request"}, 500)
