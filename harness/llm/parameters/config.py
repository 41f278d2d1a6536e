"""An LLM as plain data: what makes one like it, without its credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from harness.llm.parameters.kinds import NUMBERS_AND_FLAGS

#: The settings that hold what is plain.
PLAIN: Final = (*NUMBERS_AND_FLAGS, "reasoning_effort")
#: Names of what must not be told.
_SECRET: Final = re.compile(
    r"key|token(?!s)|secret|password|passwd|auth|credential|header|cookie|signature|query", re.IGNORECASE
)


def config_of(llm: Any) -> dict[str, Any]:
    """Return the settings of an LLM that are set, plain, and no secrets, with its model as `provider/model`."""
    config: dict[str, Any] = {"model": f"{getattr(llm, '_llm_prefix', llm.provider)}/{llm.model}"}
    config |= {name: value for name in PLAIN if (value := getattr(llm, name, None)) is not None}
    if llm.stop:
        config["stop"] = list(llm.stop)
    if isinstance(llm.base_url, str):
        config["base_url"] = _address(llm.base_url)
    if llm.without_end_marker:
        config["without_end_marker"] = True
    rest = _plain(llm.additional_params)
    if rest:
        config["additional_params"] = rest
    return config


def _address(url: str) -> str:
    """Return an address without the user, password and query that it may hold."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _plain(value: Any) -> Any:
    """Return the JSON in a value without what has a secret's name; None for what is no JSON."""
    if isinstance(value, Mapping):
        fields = {
            name: plain
            for name, inner in value.items()
            if isinstance(name, str) and not _SECRET.search(name) and (plain := _plain(inner)) is not None
        }
        return fields or None
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) else None
