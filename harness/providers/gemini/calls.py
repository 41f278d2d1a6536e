"""What Gemini leaves out of a function call or ties to it: an id of ours where it sends none, and its signature.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures (2026-11).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

#: What ids begin with that the provider did not give, and so is not sent.
_OWN: Final = "gemini-call-"
#: Signatures that are kept; conversations with more calls than that must say their own.
_KEPT: Final = 1000


def own_id(response_id: str, number: int) -> str:
    """Return the id of a call that has none: the same for the same answer, another for each call of each answer."""
    return f"{_OWN}{response_id}-{number}" if response_id else f"{_OWN}{number}"


def sent_id(call_id: str) -> dict[str, str]:
    """Return the field that names a call on the wire, or none for an id of ours."""
    return {} if call_id.startswith(_OWN) else {"id": call_id}


class Signatures:
    """The signatures of the last calls that one LLM was answered, by call id. From any thread.

    Newer models refuse a conversation whose calls lack them, and the calls that callers give back have no place for
    them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, str] = OrderedDict()

    def keep(self, call_id: str, signature: str) -> None:
        with self._lock:
            self._kept[call_id] = signature
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def of(self, call_id: str) -> dict[str, str]:
        """Return the field that carries a call's signature on the wire, or none."""
        with self._lock:
            signature = self._kept.get(call_id)
        return {} if signature is None else {"thoughtSignature": signature}
