"""Fields of JSON that are left out where they say nothing."""

from __future__ import annotations

from typing import Any


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that have something in them."""
    return {name: value for name, value in fields.items() if value}
