"""Flows and crews to read and to run: `python -m examples.report_flow`, offline, from the recordings beside them."""
