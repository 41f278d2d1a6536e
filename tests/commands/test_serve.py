"""`harness serve` as a process of its own: what it answers, what goes wrong on demand, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.serve.served import load_served
from tests.commands.command_line import Run
from tests.recording.support.loopback import PATIENCE_S
from tests.recording.support.remade import SHIPPED

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = SHIPPED / "openai" / "text"
[RECORDED] = read_cassette(TEXT / "cassette.yaml")
PATH: Final = "/v1/chat/completions"
JSON: Final = {"content-type": "application/json"}


@dataclass
class Serving:
    """A server that listens, and how its process ended once it has."""

    process: subprocess.Popen[str]
    #: Its first lines on stdout, up to the one that has the URL.
    first: str
    url: str

    def post(self, body: bytes = RECORDED.request.body, path: str = PATH) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", content=body, headers=JSON, timeout=PATIENCE_S)

    def interrupt(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not by `communicate`, which passes over lines that came together with the first one.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(PATIENCE_S), out, err


@contextmanager
def serving(*arguments: str | Path) -> Iterator[Serving]:
    command = [sys.executable, "-m", "harness", "serve", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            # With --json - the document is on stdout, and what people read is on stderr.
            first = (process.stderr if "-" in arguments else process.stdout).readline()
            assert " at http://127.0.0.1:" in first, process.communicate(timeout=PATIENCE_S)
            yield Serving(process, first, first.split(" at ")[1].strip())
        finally:
            process.kill()


def test_variables_are_printed_each_request_is_logged_and_ctrl_c_ends_it_with_130() -> None:
    with serving(TEXT, "--fault", "cut:20") as server:
        with contextlib.suppress(httpx.HTTPError):
            server.post()
        server.post(path="/v1/embeddings")
        code, out, err = server.interrupt()

    assert (code, out) == (130, f"  OPENAI_BASE_URL={server.url}/v1\n")
    time = r"\d\d:\d\d:\d\d"
    logged = rf"{time} POST /v1/chat/completions -> 200, cut\n{time} POST /v1/embeddings -> 404\n"
    assert re.fullmatch(rf"{logged}\ninterrupted\n", err)


@pytest.mark.parametrize(
    ("recording", "variables"),
    [
        ("anthropic/text", {"ANTHROPIC_BASE_URL": "http://h"}),
        ("gemini/text", {"GOOGLE_GEMINI_BASE_URL": "http://h"}),
        ("bedrock/text", {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://h"}),
        ("openai_responses/text", {"OPENAI_BASE_URL": "http://h/v1"}),
        (
            "azure/text",
            {
                "AZURE_ENDPOINT": "http://h/openai/deployments/gpt-4o-mini",
                "AZURE_OPENAI_ENDPOINT": "http://h",
                **dict.fromkeys(("AZURE_API_VERSION", "OPENAI_API_VERSION"), "2024-12-01-preview"),
            },
        ),
    ],
)
def test_each_provider_has_the_variable_that_its_sdk_reads(recording: str, variables: dict[str, str]) -> None:
    assert load_served(SHIPPED / recording).variables("http://h") == variables


def test_ctrl_c_while_a_client_waits_ends_it_with_130() -> None:
    with (
        serving(TEXT, "--fault", "stall:60") as server,
        httpx.stream(
            "POST", f"{server.url}{PATH}", content=RECORDED.request.body, headers=JSON, timeout=PATIENCE_S
        ) as response,
    ):
        received = response.iter_raw()
        first = next(received)
        code, _, err = server.interrupt()
        with pytest.raises(httpx.TransportError):
            list(received)

    assert RECORDED.response.body.startswith(first)
    assert (code, err.split("\n", 1)[1].strip()) == (130, "interrupted")


def test_the_document_is_alone_on_stdout_once_it_listens_on_the_port_that_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with serving(TEXT, "--fault", "gzip-header", "--port", str(port), "--json", "-") as server:
        code, out, err = server.interrupt()

    document: Any = json.loads(out)
    assert document == {
        "format": "harness.serve/1",
        "path": str(TEXT),
        "url": f"http://127.0.0.1:{port}",
        "interactions": 1,
        "providers": ["openai"],
        "faults": ["gzip-header"],
        "variables": {"OPENAI_BASE_URL": f"{server.url}/v1"},
    }
    assert server.first == f"serving {TEXT} at {server.url}\n"
    assert (code, err.split()) == (130, [f"OPENAI_BASE_URL={server.url}/v1", "interrupted"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no/such/recording",), "no/such/recording"),
        (
            (str(SHIPPED / "openai"),),
            "is a folder, but no recording: it has no recording.json; name one of those in it",
        ),
        ((str(TEXT), "--fault", "flood"), "there is none called 'flood'; there are cut"),
        ((str(TEXT), "--fault", "cut:soon"), "'soon' is no whole number; expected cut[:AFTER|seed=…]"),
        ((str(TEXT), "--fault", "500", "--fault", ""), "fault ''"),
        ((str(TEXT), "--port", "65536"), "--port"),
        ((str(TEXT), "--speed", "0"), "--speed"),
        ((), "PATH"),
    ],
)
def test_what_can_not_be_served_ends_with_2_and_says_why(arguments: tuple[str, ...], told: str, run: Run) -> None:
    said = run("serve", *arguments)

    assert said.code == 2
    assert told in said.err
    assert said.out == ""
    assert "Traceback" not in said.err
