"""A test's tape is found by tasks and fixtures that are older than it."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import InnerRun

pytest_plugins = ["pytester"]

ASK = """
import asyncio
import httpx
import pytest

URL = "https://api.openai.com/v1/chat/completions"
BODY = {
    "messages": [{"role": "user", "content": "How is the harbour tonight?"}],
    "model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True},
}

async def ask(client):
    response = await client.post(URL, json=BODY)
    assert "data: [DONE]" in response.text
"""

FIXTURE = """
import pytest_asyncio

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client():
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        yield client

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.cassette("openai/text")
async def test_it(client, cassette):
    await ask(client)
"""

WORKER = """
import pytest_asyncio

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def jobs():
    queue = asyncio.Queue()

    async def work():
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            while True:
                done = await queue.get()
                try:
                    await ask(client)
                    done.set_result(None)
                except BaseException as error:
                    done.set_exception(RuntimeError(repr(error)))

    task = asyncio.create_task(work())
    yield queue
    task.cancel()

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.cassette("openai/text")
async def test_it(jobs, cassette):
    done = asyncio.get_running_loop().create_future()
    await jobs.put(done)
    await done
"""

ANYIO = """
@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="module")
async def client(anyio_backend):
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        yield client

@pytest.mark.anyio
@pytest.mark.cassette("openai/text")
async def test_it(client, cassette):
    await ask(client)
"""

UNITTEST = """
import unittest
from harness.recording import open_tape
from harness.shipped import shipped_recording

class TestIt(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        opened = open_tape(shipped_recording("openai/text") / "cassette.yaml", "none")
        opened.__enter__()
        self.addCleanup(opened.__exit__, None, None, None)

    async def asyncSetUp(self):
        self.client = await self.enterAsyncContext(httpx.AsyncClient(trust_env=False, verify=False))

    async def test_it(self):
        await ask(self.client)
"""


@pytest.mark.parametrize(
    ("plugin", "source"),
    [
        pytest.param("pytest_asyncio.plugin", FIXTURE, id="a fixture of the module"),
        pytest.param("pytest_asyncio.plugin", WORKER, id="a task that works for all tests"),
        pytest.param("anyio.pytest_plugin", ANYIO, id="anyio's runner"),
        pytest.param("pytest_asyncio.plugin", UNITTEST, id="unittest's own"),
    ],
)
def test_a_request_from_a_task_that_was_there_before_is_answered(inner: InnerRun, plugin: str, source: str) -> None:
    scope = ("-o", "asyncio_default_fixture_loop_scope=function") if "asyncio" in plugin else ()
    inner(*scope, plugins=(plugin,), test_it=ASK + source).assert_outcomes(passed=1)
