"""Class names written onto the map, moved apart where they would cover each other."""

from __future__ import annotations

import numpy as np

from .colours import Colouring

MOST_NAMES = 30
LINE_POINTS = 15.0  # height of a name, and about twice the width of one of its letters
LETTER_POINTS = 7.6
ROUNDS = 60


def write_names(axes, points: np.ndarray, codes: np.ndarray, colouring: Colouring) -> None:
    """One name per class at the class's densest place. Needs the axes' limits to be set."""
    from matplotlib.patheffects import withStroke

    if colouring.is_scale or not 1 < len(colouring.names) <= MOST_NAMES:
        return
    present = [code for code in range(len(colouring.names)) if (codes == code).any()]
    places = np.array([densest_place(points[codes == code]) for code in present])
    to_points = axes.transData + axes.figure.dpi_scale_trans.inverted()
    spots = to_points.transform(places) * 72.0
    widths = np.array([LETTER_POINTS * len(colouring.names[code]) for code in present])
    spots = apart(spots, widths)
    for code, spot in zip(present, to_points.inverted().transform(spots / 72.0), strict=True):
        halo = [withStroke(linewidth=3.5, foreground="white")]
        style = {"ha": "center", "va": "center", "fontsize": 11.5, "weight": "bold"}
        axes.text(*spot, colouring.names[code], path_effects=halo, **style)


def densest_place(points: np.ndarray) -> np.ndarray:
    """The median of the fullest cell of a coarse grid: a class may lie in several pieces."""
    if len(points) < 20:
        return np.median(points, axis=0)
    counts, x_edges, y_edges = np.histogram2d(*points.T, bins=12)
    x, y = np.unravel_index(counts.argmax(), counts.shape)
    inside = (points[:, 0] >= x_edges[x]) & (points[:, 0] <= x_edges[x + 1])
    inside &= (points[:, 1] >= y_edges[y]) & (points[:, 1] <= y_edges[y + 1])
    return np.median(points[inside], axis=0)


def apart(spots: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Spots (typographic points) moved up and down until no two names overlap, or rounds end."""
    spots = spots.copy()
    for _ in range(ROUNDS):
        moved = False
        for i in range(len(spots)):
            for j in range(i):
                gap = spots[i] - spots[j]
                missing = LINE_POINTS - abs(gap[1])
                if abs(gap[0]) < (widths[i] + widths[j]) / 2 and missing > 0.01:
                    step = missing / 2 if gap[1] >= 0 else -missing / 2
                    spots[i, 1] += step
                    spots[j, 1] -= step
                    moved = True
        if not moved:
            break
    return spots
