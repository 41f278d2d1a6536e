"""The query of a call's URL: hosts want versions, keys and formats there that no setting stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

#: In `additional_params`: the query of the URL, as the SDKs' methods take it. It is no field of the body.
EXTRA_QUERY: Final = "extra_query"


def parse_query(query: str) -> dict[str, Any]:
    """Return the parameters of a recorded query; one that comes more than once is a list."""
    found = parse_qs(query, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def with_query(path: str, query: Mapping[str, Any] | None) -> str:
    """Return the path with a query behind it, where there is one."""
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query, doseq=True)}" if query else path
