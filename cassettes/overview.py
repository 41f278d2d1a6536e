"""The table of shipped recordings, made from their folders: `python -m cassettes.overview`."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent


def render_table() -> str:
    """Return a Markdown table: a row for each scenario, a column for each provider, and how each run ended."""
    ended: dict[str, dict[str, str]] = {}
    for path in sorted(HERE.glob("*/*/recording.json")):
        outcome = json.loads(path.read_text(encoding="utf-8"))["outcome"]
        provider, scenario = path.parts[-3:-1]
        ended.setdefault(scenario, {})[provider] = outcome["error_type"] or outcome["status"]
    providers = sorted({provider for row in ended.values() for provider in row})
    lines = [
        f"| scenario | {' | '.join(providers)} |",
        f"|---|{'---|' * len(providers)}",
        *(
            f"| {scenario.replace('_', ' ')} | {' | '.join(row.get(provider, '') for provider in providers)} |"
            for scenario, row in sorted(ended.items())
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_table(), end="")  # noqa: T201 - it is what the command is for
