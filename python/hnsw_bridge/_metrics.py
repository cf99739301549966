"""Metrics by PyNNDescent's names: which the server knows, for which rows, with which parameters.

The table itself is the server's. Here are the rules that only Python callers know: the names that
parameters have there, and what may be quantised. What may not enter: rows, sockets.
"""

from __future__ import annotations

from math import isfinite, nan
from typing import Any

import numpy as np

from ._connection import Greeting, Metric
from ._errors import InvalidArgument, NonFinite, UnknownMetric
from ._forms import BITS, DENSE, SPARSE, Form
from ._matrix import as_float32
from ._protocol import Header

NORMALISED = ("cosine", "direct_cosine", "dot")  # Where `query` takes `pre_normalized`.

_QUANTIZED_METRICS = {
    "binary": ("euclidean", "l2", "cosine", "dot", "hamming", "jaccard"),
    "uint8": ("euclidean", "l2", "cosine", "dot"),
    "uint4": ("euclidean", "l2", "cosine", "dot"),
    "int8": ("cosine", "direct_cosine", "dot"),
}
_ALIASES = {"V": "sigma", "VI": "vinv"}  # scipy's names for them.
_SQUARE = ("vinv", "cost")
_OF_THE_SPARSE_FORM = "n_features"  # PyNNDescent tells its sparse metrics the width by this name.


def find_metric(metric: Any, greeting: Greeting) -> Metric:
    """The server's entry for a name or alias; UnknownMetric lists what there is."""
    known = greeting.metrics.get(metric) if isinstance(metric, str) else None
    if known is None:
        allowed = ", ".join(sorted(greeting.metrics))
        raise UnknownMetric(f"metric must be one of {allowed}, got {metric!r}")
    return known


def form_for(metric: Metric, asked: str, sparse: bool) -> Form:
    """The form that rows are stored in; InvalidArgument where the metric has no sparse one."""
    if sparse:
        if SPARSE.name not in metric.forms:
            raise InvalidArgument(f"Metric {asked} not supported for sparse data")
        return SPARSE
    return DENSE if DENSE.name in metric.forms else BITS


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


def check_quantization(quantization: Any, metric: Any, sparse: bool) -> None:
    """Whether PyNNDescent has codes of that kind for this metric."""
    if quantization is None:
        return
    metrics = _QUANTIZED_METRICS.get(quantization) if isinstance(quantization, str) else None
    if metrics is None:
        allowed = ", ".join(map(repr, _QUANTIZED_METRICS))
        raise InvalidArgument(f"quantization must be None, {allowed}, got {quantization!r}")
    if metric not in metrics:
        raise InvalidArgument(
            f"quantization {quantization!r} works with the metrics {', '.join(metrics)}, "
            f"got {metric!r}"
        )
    if sparse:
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


def _array(value: Any, name: str, given: str, dim: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    array = as_float32(value, given)
    shape = (dim, dim) if name in _SQUARE else (dim,)
    if array.shape != shape:
        raise InvalidArgument(f"{given} must have the shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise NonFinite(f"{given} must hold finite numbers only")
    return array
