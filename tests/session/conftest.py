"""What the tests of sessions share: a driver of either kind, a gate that blocks a body, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.session.bodies import Driver, harness_threads, join_harness_threads


@pytest.fixture
def driver() -> Iterator[Driver]:
    with Driver() as driver:
        yield driver


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Blocks user code until the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def _no_thread_is_left(gate: threading.Event) -> Iterator[None]:
    yield
    gate.set()
    join_harness_threads()
    assert harness_threads() == []
