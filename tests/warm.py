"""Modules run as by `python -m`, each in a copy of a process that has imported the libraries that take longest.

A process of its own has every test that asks for one; but what it would spend its first second on is done once. Of this
project nothing is imported before the copy is made. Run as a module, this is the process that is copied.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

_ROOT: Final = Path(__file__).parents[1]
#: No plugin of pytest's: those are rewritten when they are imported, which must not be before.
_LIBRARIES: Final = (
    "aiohttp",
    "click",
    "httpcore2",
    "httpx",
    "openai.resources.chat.completions.completions",
    "pydantic",
    "pytest",
    "rich.console",
    "urllib3",
    "yaml",
)


class WarmPython:
    """A process whose copies run modules; started when the first is run."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket

    def run(
        self,
        module: str,
        *arguments: str | Path,
        stdout: IO[Any],
        stderr: IO[Any],
        cwd: Path | str = ".",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> int:
        """Return the exit code of a module that was run with these arguments, as `subprocess.run` does.

        Raises:
            TimeoutError: it has not ended in time, and was killed.
        """
        if self._process is None:
            self._start()
        request = {
            "argv": [module, *map(str, arguments)],
            "cwd": str(Path(cwd).absolute()),
            "env": dict(os.environ if env is None else env),
        }
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(request).encode())
            file.seek(0)
            socket.send_fds(self._socket, [b"."], [stdout.fileno(), stderr.fileno(), file.fileno()])
        self._socket.settimeout(timeout_s)
        try:
            return int(self._socket.recv(64))
        except TimeoutError:
            self.close(signal.SIGKILL)
            raise

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=_ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )

    def close(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and what of its copies still runs."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            self._process.wait()
            self._process = None
            self._socket.close()


def _copy(requests: socket.socket) -> dict[str, Any]:
    """Return a request, in the copy that is to do it; the process itself stays in here, and ends where nobody asks."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, 1, 3)
        if not message:
            sys.exit()
        copy = os.fork()
        if not copy:
            requests.close()
            stdout, stderr, request = descriptors
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            os.close(stdout)
            os.close(stderr)
            with os.fdopen(request, "rb") as file:
                wanted: dict[str, Any] = json.load(file)
            return wanted
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(copy, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _main() -> None:
    for library in _LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()
    request = _copy(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    # Those that there were know what they led to, as that it could be sought in.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, "utf-8", closefd=False) for number in (1, 2))
    # As for `python -m`, which had put the checkout there.
    sys.path[:1] = [request["cwd"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    module, *arguments = request["argv"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
