"""The provider suite: the clauses `llm.*` put to any `BaseLLM`, from recordings of its calls and faults done to them.

Its subject is a folder of recordings. A recording names its target, so that the integration under test is found without
being registered anywhere, whatever its wire format.
"""

from __future__ import annotations
