"""Which version of a package is installed."""

from __future__ import annotations

from importlib import metadata


def version_of(distribution: str) -> str:
    """Return the version of a distribution; `unknown` where it is not installed, as of this one in a mere checkout."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"
