"""This runtime, going on only as it is read: what reads it drives it, as it drives a runtime that is made of generators."""

from __future__ import annotations

from typing import Final

from conformance.proof import SabotagedSubject
from conformance.proof.saboteur import passing

PACED: Final = SabotagedSubject(("harness.session.core:SessionCore.__init__", passing(look_ahead=1)))
PACED.address = f"{__name__}:PACED"
