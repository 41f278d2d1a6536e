"""TLS contexts that read the certificates which they are to trust when they first wrap a connection.

Reading them takes most of the time in which a client is made, and what a suite plays is never encrypted.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_Context: Any = ssl.SSLContext
_read: Final = _Context.load_verify_locations
_UNREAD: Final = "_unread_locations"


@contextmanager
def late_certificates() -> Iterator[None]:
    """Have contexts that are made until the end of the block read their certificates late, whenever that is."""
    if vars(_Context).get("load_verify_locations") is _read_later:
        yield
        return
    for name in ("wrap_socket", "wrap_bio"):
        if not hasattr(getattr(_Context, name), _UNREAD):
            setattr(_Context, name, _reading_first(getattr(_Context, name)))
    _Context.load_verify_locations = _read_later
    try:
        yield
    finally:
        # It is inherited from the class in C.
        del _Context.load_verify_locations


def _read_later(context: Any, *args: Any, **options: Any) -> None:
    context.__dict__.setdefault(_UNREAD, []).append((args, options))


def _reading_first(wrap: Any) -> Any:
    def wrapped(context: Any, *arguments: Any, **options: Any) -> Any:
        for read_arguments, read_options in context.__dict__.pop(_UNREAD, ()):
            _read(context, *read_arguments, **read_options)
        return wrap(context, *arguments, **options)

    setattr(wrapped, _UNREAD, True)
    return wrapped
