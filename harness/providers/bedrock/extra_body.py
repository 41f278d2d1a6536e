"""Fields of Converse's request body that boto3 knows nothing of: they are put in beside those that it makes.

It takes nothing that its description of the service does not have, and the service's newest fields are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

#: In `additional_params`: the fields, in the form of the wire. They win over all else.
EXTRA_BODY: Final = "extra_body"
_fields: ContextVar[Mapping[str, Any] | None] = ContextVar("extra_body", default=None)


@contextmanager
def extra_fields(arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments that boto3 takes; a request that is made inside the block has the other fields, too."""
    token = _fields.set(arguments.get(EXTRA_BODY))
    try:
        yield {name: value for name, value in arguments.items() if name != EXTRA_BODY}
    finally:
        _fields.reset(token)


def put_extra_fields(params: dict[str, Any], **_: Any) -> None:
    """Handle botocore's event `before-call`: the request has been made, and is not signed yet."""
    fields = _fields.get()
    if fields:
        params["body"] = json.dumps({**json.loads(params["body"]), **fields}, ensure_ascii=False).encode()
