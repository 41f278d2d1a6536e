"""User code that serves sessions, and type-checks under strict mypy."""

from __future__ import annotations

from typing import Any, assert_type

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness import Flow, start
from harness.web import Runs, SessionResponse, StoreFullError, create_app, sse


class Greeting(Flow[dict[str, Any]]):
    @start()
    def greet(self) -> str:
        return "hello"


runs = Runs(most=10, linger_s=None, origins=["https://app.example"])


async def whole(request: Request) -> Response:
    return sse(Greeting().stream_events(), linger_s=5, heartbeat_s=10)


async def begin(request: Request) -> Response:
    try:
        run = runs.add(Greeting().astream())
    except StoreFullError:
        return Response(status_code=503)
    return JSONResponse(assert_type(run, str))


async def follow(request: Request) -> Response:
    return runs.sse(request.path_params["run"], format="agui")


def app() -> Starlette:
    """Return an app with these routes and a whole one of ours below them."""
    assert_type(sse(Greeting().stream_events()), SessionResponse)
    ours = assert_type(create_app("tests.typing.web:Greeting", hosts=["app.example"]), Starlette)
    routes = [Route("/", whole), Route("/runs", begin, methods=["POST"]), Route("/runs/{run}", follow)]
    parent = Starlette(routes=routes)
    parent.mount("/ours", ours)
    return parent
