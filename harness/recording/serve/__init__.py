"""A recording that answers on loopback as its provider."""
