"""Patience: how long a silent server is waited for before it is given up. One number for all."""

from __future__ import annotations

import math
import os

from ._errors import InvalidArgument

_VARIABLE = "HNSW_BRIDGE_TIMEOUT"
_DEFAULT_S = 30.0  # A live server is heard four times a second; a machine may swap.


def patience_s() -> float:
    """Seconds without a sign of life after which a server counts as lost."""
    given = os.environ.get(_VARIABLE)
    if not given:
        return _DEFAULT_S
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidArgument(f"{_VARIABLE} must be a number of seconds above 0, got {given!r}")
    return seconds
