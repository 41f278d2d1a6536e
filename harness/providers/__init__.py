"""Integrations of providers, each in modules of its own that are imported when it is used, and the registry of them."""

from __future__ import annotations

from harness.providers.registry import providers, recognized
from harness.providers.row import Provider
from harness.providers.shared.dialect import SSE, Dialect, Framing

__all__ = ["SSE", "Dialect", "Framing", "Provider", "providers", "recognized"]
