"""The shipped recordings as a Markdown table, made from their folders."""

from __future__ import annotations

from harness.recording import load_recording
from harness.shipped.place import shipped_providers


def render_table() -> str:
    """Return a row for each scenario, a column for each provider, and how each run ended."""
    ended: dict[str, dict[str, str]] = {}
    providers = shipped_providers()
    for provider, folder in providers.items():
        for path in folder.iterdir():
            outcome = load_recording(path).outcome
            if outcome is not None:
                ended.setdefault(path.name, {})[provider] = outcome.error_type or outcome.status
    lines = [
        f"| scenario | {' | '.join(providers)} |",
        f"|---|{'---|' * len(providers)}",
        *(
            f"| {scenario.replace('_', ' ')} | {' | '.join(row.get(provider, '') for provider in providers)} |"
            for scenario, row in sorted(ended.items())
        ),
    ]
    return "\n".join(lines) + "\n"
