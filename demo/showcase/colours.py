"""Which colour a point has: one per class, a scale for numbers, one for all without labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .data import Dataset

# Tableau 10: ten hues that stay apart in print, on screens and for most colour-blind readers
TEN = (
    *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#7a7a7a"),
)
MOST_CLASSES = 60
SCALE_STEPS = 16


@dataclass(frozen=True)
class Colouring:
    """``codes`` index ``names`` and ``colours``, one per row, fitted rows first."""

    codes: np.ndarray
    names: tuple[str, ...]
    colours: tuple[str, ...]
    is_scale: bool = False


def colouring(data: Dataset) -> Colouring:
    labels = data.labels
    if labels is None:
        return Colouring(
            np.zeros(len(data.train) + len(data.test), dtype=np.uint8), ("row",), TEN[:1]
        )
    values, codes = np.unique(labels, return_inverse=True)
    if len(values) > MOST_CLASSES and values.dtype.kind in "iuf":
        return _scale(labels.astype(np.float64))
    names = tuple(_name(value, data.class_names) for value in values)
    return Colouring(codes.astype(np.uint16), names, _palette(len(values)))


def _name(value, class_names) -> str:
    if class_names and np.issubdtype(type(value), np.integer) and 0 <= value < len(class_names):
        return class_names[int(value)]
    return str(value)


def _scale(values: np.ndarray) -> Colouring:
    """Equally filled steps of a scale from dark to light; values that are no number come last."""
    import matplotlib as mpl

    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, SCALE_STEPS + 1)))
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(0, len(edges) - 2))
    names = tuple(f"{a:.4g} to {b:.4g}" for a, b in pairwise(edges))
    scale = mpl.colormaps["viridis"]
    colours = tuple(mpl.colors.to_hex(scale(x)) for x in np.linspace(0, 0.95, len(names)))
    return Colouring(codes.astype(np.uint16), names, colours, is_scale=True)


def _palette(count: int) -> tuple[str, ...]:
    if count <= len(TEN):
        return TEN[:count]
    import matplotlib as mpl

    # the golden angle keeps neighbours in the list apart; three lightness steps help beyond 20
    hues = (np.arange(count) * 0.61803398875) % 1.0
    light = 0.62 + 0.22 * (np.arange(count) % 3) / 2
    hsv = np.stack([hues, np.where(np.arange(count) % 2, 0.55, 0.8), light], axis=1)
    return tuple(mpl.colors.to_hex(c) for c in mpl.colors.hsv_to_rgb(hsv))
