"""The demo's one way to fail."""


class DemoError(Exception):
    """Its text is one clear line: what was wrong, the value seen, what is allowed."""
