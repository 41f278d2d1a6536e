"""What every provider on loopback does alike, asked by plain HTTP: ids, holds, cuts, connections, and its command."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.servers.plain_client import ASKING, Asking, connect, post
from tests.servers.script import Scenario, Turn, choose
from tests.servers.scripted_server import ScriptedServer

ROOT: Final = Path(__file__).parents[2]
each_server: Final = pytest.mark.parametrize("asking", ASKING, ids=lambda asking: asking.name)
each_hold: Final = pytest.mark.parametrize("name", ["blocked_head", "blocked_body"])
each_way: Final = pytest.mark.parametrize("streams", [True, False], ids=["streamed", "plain"])


@pytest.fixture
def server(asking: Asking) -> Iterator[ScriptedServer[Any, Any]]:
    with asking.server() as running:
        yield running


@each_way
@each_server
def test_same_requests_get_the_same_bytes_and_each_answer_its_own_ids(asking: Asking, streams: bool) -> None:
    rounds = []
    for _ in range(2):
        with asking.server() as server:
            rounds.append([asking.fetch(server, "parallel_tool_calls", streams=streams) for _ in range(2)])
    assert rounds[0] == rounds[1]
    assert rounds[0][0] != rounds[0][1]
    assert rounds[0][0][0] == 200


@each_hold
@each_way
@each_server
def test_held_answer_goes_on_when_released(
    asking: Asking, streams: bool, name: str, server: ScriptedServer[Any, Any]
) -> None:
    connection = connect(server)
    asking.send(connection, server, name, streams=streams)
    server.wait_for(lambda: server.held == 1)
    assert connection.sock is not None
    if name == "blocked_head":
        connection.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.sock.recv(1)
        connection.sock.settimeout(10)
    server.hold.set()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    with asking.server() as free:
        free.hold.set()
        assert (response.status, body) == asking.fetch(free, name, streams=streams)
    assert response.status == 200
    assert server.disconnects == 0


@each_hold
@each_server
def test_client_that_leaves_a_held_answer_is_counted(
    asking: Asking, name: str, server: ScriptedServer[Any, Any]
) -> None:
    connection = connect(server)
    asking.send(connection, server, name, streams=True)
    server.wait_for(lambda: server.held == 1)
    assert server.disconnects == 0
    connection.close()
    server.wait_for(lambda: server.disconnects == 1)


@each_hold
@each_server
def test_leaving_the_block_ends_held_answers_and_threads(asking: Asking, name: str) -> None:
    before = set(threading.enumerate())
    with asking.server() as server:
        connection = connect(server)
        asking.send(connection, server, name, streams=True)
        server.wait_for(lambda: server.held == 1)
    connection.close()
    assert set(threading.enumerate()) == before


@each_server
def test_connection_is_kept_alive(asking: Asking, server: ScriptedServer[Any, Any]) -> None:
    connection = connect(server)
    sockets = set()
    for name, streams in (("text", True), ("text", False), ("stream_error", False), ("unicode", False)):
        asking.send(connection, server, name, streams=streams)
        connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


@each_way
@each_server
def test_broken_answer_ends_as_scripted(asking: Asking, streams: bool, server: ScriptedServer[Any, Any]) -> None:
    assert asking.fetch(server, "truncated", streams=streams)[0] == 200
    reported, _ = asking.fetch(server, "stream_error", streams=streams)
    assert reported == 200 if streams else reported >= 400
    with pytest.raises(http.client.IncompleteRead):
        asking.fetch(server, "truncated_eof", streams=streams)
    with pytest.raises(ConnectionResetError):
        asking.fetch(server, "truncated_reset", streams=streams)


#: What no provider answers: the path, the headers or the body of a request that is otherwise in order.
REFUSED: Final[dict[str, dict[str, Any]]] = {
    "another path": {"path": "/v1/nothing"},
    "nobody's": {"headers": {}},
    "no JSON": {"body": b"{"},
    "no object": {"body": b"[]"},
    "another prompt": {"prompt": "Unscripted"},
}


@pytest.mark.parametrize("other", REFUSED.values(), ids=REFUSED)
@each_server
def test_request_outside_the_script_is_refused(
    asking: Asking, other: dict[str, Any], server: ScriptedServer[Any, Any]
) -> None:
    body = asking.body(other.get("prompt", server.scenarios["text"].prompt), False)
    sent = {"path": asking.paths[False], "body": body, "headers": asking.headers, **other}
    response, _ = post(server, sent["path"], sent["body"], sent["headers"])
    assert 400 <= response.status < 500


def test_scenario_is_chosen_by_model_and_longest_prompt() -> None:
    scenarios = {
        "any": Scenario("harbour", ("any",)),
        "longer": Scenario("the harbour", ("longer",)),
        "one-model": Scenario("in the harbour", ("one",), model="gpt-4.1"),
    }
    asked = (("gpt-4o", "a harbour"), ("gpt-4o", "in the harbour"), ("gpt-4.1", "in the harbour"), ("gpt-4o", "no"))
    # What was asked before is answered.
    before = [Turn("user", "in the harbour"), Turn("assistant", "one")]
    found = [choose(scenarios, [*before, Turn("user", prompt)], model) for model, prompt in asked]
    assert found == [("any", "any"), ("longer", "longer"), ("one-model", "one"), None]


def test_module_serves_until_it_is_interrupted() -> None:
    asking = ASKING[0]
    command = [sys.executable, "-m", asking.server.__module__, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        host = process.stdout.readline().strip().removeprefix("http://").partition("/")[0]
        connection = http.client.HTTPConnection(host, timeout=10)
        with asking.server() as other:
            asking.send(connection, other, "text", streams=False)
        body = connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert b"The harbour is calm tonight" in body
