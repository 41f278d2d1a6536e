"""Events of protocols as server-sent events."""

from __future__ import annotations

from typing import Any

import orjson


def sse_text(event: dict[str, Any] | str) -> str:
    """Return one event as it is sent: its JSON, or a text such as `[DONE]`, as the data of an event without a name."""
    data = event if isinstance(event, str) else orjson.dumps(event).decode()
    return f"data: {data}\n\n"
