"""A provider's streamed answer, from its recorded bytes to frames, beside its official SDK with nothing around it."""

from __future__ import annotations

from typing import Final

from benchmarks.contest import Contest, Contestant, Ratio, Settings

#: Chunks of text in an answer.
_CHUNKS: Final = 4_000
#: Folders of recordings that come with this project, one for each integration.
_PROVIDERS: Final = ("openai", "openai_responses", "anthropic", "bedrock", "gemini", "azure")


def contest(settings: Settings) -> Contest:
    """Return the contest of each SDK alone with the same SDK under a session of this project."""
    del settings
    return Contest(
        "providers",
        f"An answer of {_CHUNKS:,} chunks of text, from its bytes",
        "ms",
        tuple(
            Contestant(f"{provider}, {reader}", "provider_stream.py", (provider, reader, str(_CHUNKS)))
            for provider in _PROVIDERS
            for reader in ("sdk", "harness")
        ),
        tuple(Ratio(f"{provider}, harness", f"{provider}, sdk", ("at most", 1.5)) for provider in _PROVIDERS),
    )
