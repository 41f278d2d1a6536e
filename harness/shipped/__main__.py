"""`python -m harness.shipped` prints the table of shipped recordings."""

from __future__ import annotations

import sys

from harness.shipped.overview import render_table

sys.stdout.write(render_table())
