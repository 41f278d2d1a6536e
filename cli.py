"""`python cli.py …` is `harness …`, from a checkout that has not been installed."""

from __future__ import annotations

from harness.commands import main

if __name__ == "__main__":
    main()
