"""`python -m cli` is `harness`."""

from __future__ import annotations

from cli import main

main()
