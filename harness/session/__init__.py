"""Sessions: one run, read through any number of projections, sync and async. Loaded for the first run that is read so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.session.session import AsyncStreamSession as AsyncStreamSession, StreamSession as StreamSession
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__, {"harness.session.session": "AsyncStreamSession StreamSession"}
    )
