"""The version, read by everything else that tells it."""

__version__ = "0.1.0"
