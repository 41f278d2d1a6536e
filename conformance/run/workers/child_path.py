"""What a new process of ours starts with: its parent's environment, and what it would import, with the current folder last.

Python puts the current folder first while a process starts; a folder in it that is called like one of our packages, or
like one of Python's, would take its place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from harness.import_path import current_folder_last

#: Variables that Python reads when it starts.
_READ_AT_START: Final = ("PYTHONPATH", "PYTHONSAFEPATH")
_STARTING: Final = Lock()

Environment = Mapping[str, str]


@contextmanager
def starting() -> Iterator[Environment]:
    """Start processes in this block, by whatever method; give each what the block gives, for `started`."""
    with _STARTING:
        before = dict(os.environ)
        here = str(Path.cwd())
        os.environ["PYTHONPATH"] = os.pathsep.join(entry or here for entry in sys.path)
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            yield before
        finally:
            for name in _READ_AT_START:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]


def started(environment: Environment) -> None:
    """Called first in the new process: give it its parent's environment, and put the current folder last.

    What a server of processes copies has the environment of when that server was started.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    current_folder_last()
