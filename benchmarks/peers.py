"""The peers that need an environment of their own, by the option that names their interpreter."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

#: The peer, which is its option's name too, and the distribution whose version is shown.
PEERS: Final = {
    "crewai": "crewai",
    "pydantic-ai": "pydantic-ai-slim",
    "langgraph": "langgraph",
    "cassetter": "cassetter",
}


def installed_version(interpreter: Path, peer: str) -> str:
    """Return the version of `peer` that `interpreter` has.

    Raises:
        LookupError: there is no such interpreter, or it does not have the peer.
    """
    code = f"from importlib.metadata import version; print(version({PEERS[peer]!r}))"
    try:
        found = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True)
    except OSError as error:
        raise LookupError(f"'{interpreter}' can't be run: {error.strerror or error}") from error
    except subprocess.CalledProcessError as error:
        raise LookupError(f"'{interpreter}' does not have {PEERS[peer]}; benchmarks/README.md says how") from error
    return found.stdout.strip()
