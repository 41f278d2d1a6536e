"""TLS contexts that read the certificates which they are to trust when they first wrap a connection.

Reading them takes most of the time in which a client is made, and what a suite plays is never encrypted.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_Context: Any = ssl.SSLContext
#: What reads certificates, of a file or of the system, by its name.
_READS: Final[dict[str, Any]] = {
    name: getattr(_Context, name) for name in ("load_verify_locations", "set_default_verify_paths")
}
_UNREAD: Final = "_unread_locations"


@contextmanager
def late_certificates() -> Iterator[None]:
    """Have contexts that are made until the end of the block read their certificates late, whenever that is."""
    if any(name in vars(_Context) for name in _READS):
        yield
        return
    for name in ("wrap_socket", "wrap_bio"):
        if not hasattr(getattr(_Context, name), _UNREAD):
            setattr(_Context, name, _reading_first(getattr(_Context, name)))
    for name in _READS:
        setattr(_Context, name, _read_later(name))
    try:
        yield
    finally:
        # They are inherited from the class in C.
        for name in _READS:
            delattr(_Context, name)


def _read_later(name: str) -> Any:
    def noted(context: Any, *arguments: Any, **options: Any) -> None:
        context.__dict__.setdefault(_UNREAD, []).append((name, arguments, options))

    return noted


def _reading_first(wrap: Any) -> Any:
    def wrapped(context: Any, *arguments: Any, **options: Any) -> Any:
        for name, read_arguments, read_options in context.__dict__.pop(_UNREAD, ()):
            _READS[name](context, *read_arguments, **read_options)
        return wrap(context, *arguments, **options)

    setattr(wrapped, _UNREAD, True)
    return wrapped
