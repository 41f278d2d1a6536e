"""A text that comes in pieces, and then again as a whole: each character of it is said once."""

from __future__ import annotations


def rest_of(whole: str, received: str) -> str:
    """Return what of `whole` has not come. Hosts that send nothing at an end, or trim it, take nothing back.

    Raises ValueError where the two are not the same text.
    """
    if not whole.strip() or whole.strip() == received.strip():
        return "" if received else whole
    if not whole.startswith(received):
        raise ValueError(f"{received!r:.200} in pieces, and {whole!r:.200} as a whole")
    return whole[len(received) :]
