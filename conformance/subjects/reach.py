"""Which providers can be spoken to here, in their own formats."""

from __future__ import annotations

from importlib import metadata

from harness.providers import providers


def reachable_providers() -> frozenset[str]:
    """Return the providers whose SDKs are installed, by the names of their shipped recordings."""

    def is_installed(distribution: str) -> bool:
        try:
            metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    return frozenset(row.recordings for row in providers() if row.recordings and is_installed(row.distributions[0]))
