"""What stream-harness knows of Tern."""

from __future__ import annotations

from harness.providers import Provider

TERN = Provider(name="tern", models={"tern": "tests.tern:Tern"}, distributions=("httpx",))
