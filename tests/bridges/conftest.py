"""Fixtures of the tests of bridges."""

from __future__ import annotations

from tests.bridges.judges import judge as judge
