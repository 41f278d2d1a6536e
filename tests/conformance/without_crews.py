"""The runtime of this project, sound and broken, as subjects that declare no crews."""

from __future__ import annotations

from conformance.proof import SabotagedSubject, saboteurs
from conformance.subjects.harness import HarnessSubject

_CAPABILITIES = HarnessSubject.capabilities - {"crew"}


class SoundSubject(HarnessSubject):
    capabilities = _CAPABILITIES


class ClosesOnceSubject(SabotagedSubject):
    capabilities = _CAPABILITIES
    address = f"{__name__}:CLOSES_ONCE"


_broken = saboteurs()["closes-only-once"]
SOUND = SoundSubject()
CLOSES_ONCE = ClosesOnceSubject((_broken.target, _broken.breaks))
