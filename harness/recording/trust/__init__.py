"""Whose code a recording may have run, and what becomes of code that would end the process."""
