"""Metrics by PyNNDescent's names: which the server knows, for which rows, with which parameters.

The table itself is the server's. Here are the rules that only Python callers know: the names that
parameters have there, and what they may not ask for. What may not enter: rows, sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

from ._connection import Greeting, Metric
from ._errors import InvalidArgument, NonFinite, UnknownMetric
from ._forms import BITS, DENSE, SPARSE, Form
from ._matrix import Rows, as_float32
from ._numpy import np
from ._protocol import Header

NORMALISED = ("cosine", "direct_cosine", "dot")  # Where `query` takes `pre_normalized`.

_QUANTIZATIONS = ("binary", "uint8", "uint4", "int8")
# PyNNDescent has it, and it fails for every row with a zero; so nobody is to answer for it.
_REFUSED = ("sinkhorn", "proxy_sinkhorn")
_ALIASES = {"V": "sigma", "VI": "vinv"}  # scipy's names for them.
_SQUARE = ("vinv", "cost")
_OF_THE_SPARSE_FORM = "n_features"  # PyNNDescent tells its sparse metrics the width by this name.


def find_metric(metric: Any, greeting: Greeting) -> Metric:
    """The server's entry for a name or alias. UnknownMetric lists what there is."""
    if is_refused(metric):
        raise InvalidArgument(f"metric {metric!r} is not offered: it needs rows without any zero")
    known = greeting.metrics.get(metric) if isinstance(metric, str) else None
    if known is None:
        allowed = ", ".join(sorted(greeting.metrics))
        raise UnknownMetric(f"metric must be one of {allowed}, got {metric!r}")
    return known


def is_refused(metric: Any) -> bool:
    """Whether PyNNDescent is not to answer for this metric either."""
    return isinstance(metric, str) and metric in _REFUSED


def form_for(metric: Metric, asked: str, sparse: bool) -> Form:
    """The form that rows are stored in; InvalidArgument where the metric has no sparse one."""
    if sparse:
        if SPARSE.name not in metric.forms or _is_for_dense_only(asked):
            raise InvalidArgument(f"Metric {asked} not supported for sparse data")
        return SPARSE
    return DENSE if DENSE.name in metric.forms else BITS


def _is_for_dense_only(asked: str) -> bool:
    return asked == "kantorovich_1d" or asked.startswith("proxy_")  # As PyNNDescent has it.


def form_feature(metric: Metric, sparse: bool) -> str | None:
    """The feature that a server must have for such rows; float32 rows need none."""
    if sparse:
        return "rows.sparse"
    return None if DENSE.name in metric.forms else "rows.bits"


def metric_options(metric: Metric, metric_kwds: Any, form: Form, dim: int) -> Header:
    """A metric's own parameters by name: numbers, and arrays for what has one or more per column.

    Raises TypeError for a name that the metric does not take, ValueError for a wrong value.
    """
    options: Header = {}
    for given, value in dict(metric_kwds or {}).items():
        name = _ALIASES.get(given, given)
        if name == _OF_THE_SPARSE_FORM and form is SPARSE and value == dim:
            continue
        if name not in metric.params:
            takes = ", ".join(metric.params) or "none"
            raise TypeError(f"metric {metric.name!r} has no parameter {given!r}; it takes {takes}")
        if name in options:
            raise TypeError(f"metric {metric.name!r} got {name!r} twice, once as {given!r}")
        options[name] = _number(value, given) if name == "p" else _array(value, name, given, dim)
    return options


def check_quantization(quantization: Any, asked: Any, offered: Sequence[str], form: Form) -> None:
    """Whether a metric, `asked` for by name or as a function, offers codes of that kind."""
    if quantization is None:
        return
    if quantization not in _QUANTIZATIONS:
        allowed = ", ".join(map(repr, _QUANTIZATIONS))
        raise InvalidArgument(f"quantization must be None, {allowed}, got {quantization!r}")
    if quantization not in offered:
        takes = ", ".join(offered) or "none"
        raise InvalidArgument(
            f"quantization {quantization!r} does not go with metric {asked!r}, which takes {takes}"
        )
    if form is not DENSE:
        raise InvalidArgument(f"quantization {quantization!r} requires dense input data")


def as_number(value: Any, name: str) -> float:
    """Any number but NaN."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = nan
    if number != number:
        raise InvalidArgument(f"{name} must be a number, got {value!r}")
    return number


def _number(value: Any, name: str) -> float:
    number = as_number(value, name)
    if not isfinite(number):
        raise InvalidArgument(f"{name} must be finite, got {value!r} (p = inf is 'chebyshev')")
    return number


def _array(value: Any, name: str, given: str, dim: int) -> Rows:
    array = as_float32(value, given)
    shape = (dim, dim) if name in _SQUARE else (dim,)
    if array.shape != shape:
        raise InvalidArgument(f"{given} must have the shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise NonFinite(f"{given} must hold finite numbers only")
    return array
