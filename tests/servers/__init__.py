"""Providers on loopback, one module per wire format; they import nothing of what they test."""
