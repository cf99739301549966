"""Where this engine means to differ from PyNNDescent, pair by pair, and why.

A value replaces upstream's; a string beginning with ``ERR_`` says that the rows are refused with
that code, ``"inf"`` that the distance is infinite.
"""

from __future__ import annotations

REFUSED = "ERR_INVALID_ARGUMENT"

_NO_MASS = "a row of zeros has no mass to move; upstream raises ValueError too"
_NEGATIVE = "not defined for negative values (upstream: NaN); refused, as by umap-learn"
_EMPTY_CDF = "upstream divides by zero (NaN); a row of zeros has the distribution function 0"
_NO_BIT = "the negative logarithm of a similarity of 0, as upstream; JSON has no infinity"
_PARALLEL = "a triangle with a side of length 0 has the area 0; upstream raises ZeroDivisionError"

# name -> pair -> (our value, why)
OURS: dict[str, dict[str, tuple[float | str, str]]] = {
    "hellinger": {"neg": (REFUSED, _NEGATIVE)},
    "jensen-shannon": {"neg": (REFUSED, _NEGATIVE)},
    "symmetric-kl": {"neg": (REFUSED, _NEGATIVE)},
    "circular_kantorovich": {"x0": (5.0 / 6.0, _EMPTY_CDF), "00": (0.0, _EMPTY_CDF)},
    "kantorovich": {"x0": (REFUSED, _NO_MASS), "00": (REFUSED, _NO_MASS)},
    "tsss": {"x0": (0.0, _PARALLEL), "00": (0.0, _PARALLEL)},
    "bit_jaccard": {"x0": ("inf", _NO_BIT), "e1e2": ("inf", _NO_BIT)},
}


def wasserstein_1d(p: float) -> dict[str, tuple[float | str, str]]:
    """Rows of zeros under wasserstein-1d of order ``p``."""
    cdf = [1.0 / 6.0, 0.5, 0.5]
    return {"x0": (sum(v**p for v in cdf) ** (1.0 / p), _EMPTY_CDF), "00": (0.0, _EMPTY_CDF)}


# Names that PyNNDescent knows and this engine refuses.
REJECTED = {
    "sinkhorn": "defined for strictly positive rows only; kantorovich is exact",
    "proxy_sinkhorn": "as sinkhorn",
}
