"""What all tests share: no network but loopback, where the corpus of real traffic is, and the same examples each time."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import ssl
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import certifi
import hypothesis
import pytest

from harness.flow.persistence.place import STORAGE_DIR
from harness.providers.registry import ROWS
from harness.recording.environment import WAYS
from tests.warm import WarmPython

# A run says the same as the one before; `--hypothesis-profile random` searches on.
hypothesis.settings.register_profile("random", deadline=None)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")

# Started in the background of a shell, this process ignores Ctrl-C, and with it all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What whoever runs the tests has set for their own calls says nothing in tests, nor in the processes that they start.
for _name in (*WAYS, *(name for row in ROWS for name in (*row.leading, *row.placeholders))):
    os.environ.pop(_name, None)

# What is collected is all kept.
gc.disable()

#: Tests that take several seconds each, and say once more what others say that always run: they are slow ones.
_LONG = re.compile(
    r"test_names_outside\.py::.*\[python -m harness\]"
    r"|test_init\.py::.*\[there\]"
    r"|test_packs\.py::test_two_workers_read_one_pack"
    r"|test_scheduler\.py::test_(a_conformance_run|an_interrupt)"
    r"|test_snapshots\.py::test_an_unreadable_snapshot_is_not_an_empty_one\[(empty|later)\]"
    r"|test_suite\.py::(test_a_sound_runtime_passes_with_the_clause_in_the_test_id\[an-instance\]|test_the_suite_is_spread)"
    r"|test_cassettes\.py::test_what_was_recorded_is_played\[(new|all)\]"
    r"|test_record_check\.py::test_what_is_not_to_be_compared.*(ignore|normalize)"
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _LONG.search(item.nodeid):
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        # Modules whose tests wait for processes stand side by side. They are mixed with others, in one order for all
        # workers, that no core is idle while all workers wait.
        items.sort(key=lambda item: zlib.crc32(item.nodeid.partition("::")[0].encode()))


@hypothesis.given(hypothesis.strategies.none())
def _nothing(_: None) -> None:
    """Have hypothesis make what it makes with its first example."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Let hypothesis look through all objects, as it does once, while there are few."""
    _nothing()


def pytest_collection_finish() -> None:
    """Have no collection, nor any look at all objects, walk the modules and the thousands of tests that stay to the end."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(report: Any) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Leave out of what a worker tells of a test that passed, three times for each, the many words to choose it by."""
    told = yield
    if told is not None and isinstance(report, pytest.TestReport) and report.passed:
        told["keywords"] = {}
    return told


@pytest.fixture(scope="module", autouse=True)
def _what_was_made_before_is_not_walked() -> None:
    """Have looks at all objects walk those of this module alone: with each module more would be imported."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return one worker more than there would be, as many tests wait for another process."""
    workers = yield
    return workers if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else workers + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have a worker run tests of the same modules, and take some from another where it has none left."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling  # type: ignore[import-untyped]

    return WorkStealingScheduling(config, log)


_CORPUS = "HARNESS_CORPUS"
_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let nothing go in a test but what nobody refers to any more."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def corpus() -> Path:
    """The folder of recorded provider traffic that HARNESS_CORPUS names; tests that need one are skipped without."""
    named = os.environ.get(_CORPUS)
    if not named:
        pytest.skip(f"set {_CORPUS} to a folder of vcrpy cassettes with real provider traffic")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"{_CORPUS} names {folder}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def warm_python() -> Iterator[WarmPython]:
    """Runs modules in processes that have the libraries imported."""
    warm = WarmPython()
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of one certificate: SDK clients would otherwise spend 10 to 40 ms each on reading those that no test needs."""
    _, _, rest = certifi.contents().partition(ssl.PEM_HEADER)
    path = tmp_path_factory.mktemp("certificates") / "one.pem"
    path.write_text(ssl.PEM_HEADER + rest.partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER, encoding="ascii")
    return path


@pytest.fixture(scope="session", autouse=True)
def _states_of_flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have flows, here and in processes that tests start, keep nothing in the folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(STORAGE_DIR, str(tmp_path_factory.mktemp("states")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_network(one_certificate: Path) -> Iterator[None]:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if isinstance(host, str) and not host.startswith(_LOOPBACK):
            raise AssertionError(f"a test reached for the network: {address}")

    def guarded(self: socket.socket, address: Any) -> None:
        check(address)
        return connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(socket.socket, "connect", guarded)
        monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
        monkeypatch.setenv("SSL_CERT_FILE", str(one_certificate))
        monkeypatch.setenv("SSL_CERT_DIR", str(one_certificate.parent))
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.delenv(name, raising=False)
        yield
