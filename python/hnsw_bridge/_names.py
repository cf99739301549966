"""Names: camelCase in the engine's API, snake_case for whoever asks from Python.

What may not enter: which names there are.
"""

from __future__ import annotations

import re
from typing import Any

_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")


def snake_case(told: Any) -> Any:
    """The same with every key of every dict in snake_case, whatever it is nested in."""
    if isinstance(told, dict):
        return {_HUMP.sub(_lowered, name): snake_case(value) for name, value in told.items()}
    if isinstance(told, list):
        return [snake_case(each) for each in told]
    return told


def _lowered(hump: re.Match[str]) -> str:
    return "_" + hump.group().lower()
