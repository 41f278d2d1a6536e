"""`python -m harness` is `harness`."""

from __future__ import annotations

from harness.commands import main

main()
