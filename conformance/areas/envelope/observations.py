"""Observations of what frames carry (clauses `envelope.*`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Carried:
    """A payload that is JSON, as user code put it into an event, and as frames gave it (clause `envelope.data-json`)."""

    sent: Any
    arrived: tuple[Any, ...]


@dataclass(frozen=True)
class Encoded:
    """A run that did nothing but publish a payload, which may be hard to encode (clause `envelope.data-json`)."""

    #: Its name, as in `conformance.stage.payloads`.
    payload: str
    #: What reading the run raised.
    raised: BaseException | None
