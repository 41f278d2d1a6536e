"""Loaded last by the server of processes, before it is copied: all scenarios, and nothing that a copy need walk.

A collection in a copy would otherwise walk what the server has imported, and by that make it a copy of every page of it.
"""

from __future__ import annotations

import gc

from conformance.areas.catalogue import scenarios

scenarios()
gc.collect()
gc.freeze()
