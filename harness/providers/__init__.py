"""Integrations of providers, each in modules of its own that are imported when it is used."""

from __future__ import annotations

from harness.providers.registry import recognized

__all__ = ["recognized"]
