"""What Gemini leaves out of a function call or ties to it: an id of ours where it sends none, and its signature.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures (2026-11).
"""

from __future__ import annotations

from typing import Final

from harness.providers.shared.reasoning.by_call import KeptByCall

#: What ids begin with that the provider did not give, and so is not sent.
_OWN: Final = "gemini-call-"


def own_id(response_id: str, number: int) -> str:
    """Return the id of a call that has none: the same for the same answer, another for each call of each answer."""
    return f"{_OWN}{response_id}-{number}" if response_id else f"{_OWN}{number}"


def sent_id(call_id: str) -> dict[str, str]:
    """Return the field that names a call on the wire, or none for an id of ours."""
    return {} if call_id.startswith(_OWN) else {"id": call_id}


#: The signatures of the last calls that one LLM was answered. Newer models refuse a conversation whose calls lack them.
Signatures = KeptByCall[str]
