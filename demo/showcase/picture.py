"""The embedding as a PNG: fitted rows on the left, rows placed afterwards on the right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from .colours import Colouring
from .names import MOST_NAMES, write_names

BACKGROUND_GREY = "#dcdcdc"


def draw(
    path: Path, title: str, fitted: np.ndarray, placed: np.ndarray, colouring: Colouring
) -> None:
    """Writes the PNG. ``fitted`` n x 2 and ``placed`` m x 2 in the order of ``colouring.codes``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.4, 7.4), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    codes = colouring.codes[: len(fitted)], colouring.codes[len(fitted) :]
    _scatter(left, fitted, codes[0], colouring, _size(len(fitted)))
    right.scatter(*fitted.T, s=_size(len(fitted)), c=BACKGROUND_GREY, linewidths=0)
    _scatter(right, placed, codes[1], colouring, 1.2 * _size(len(placed)))
    left.set_title(f"{len(fitted):,} rows fitted".replace(",", " "), fontsize=13)
    right.set_title(f"{len(placed):,} new rows placed among them".replace(",", " "), fontsize=13)
    figure.suptitle(title, fontsize=16, y=0.985)
    _legend(figure, colouring)
    figure.subplots_adjust(left=0.01, right=0.99, top=0.89, bottom=0.09, wspace=0.02)
    for axes in (left, right):
        axes.set_axis_off()
        _same_scale(axes, figure, np.vstack([fitted, placed]))
        write_names(axes, fitted, codes[0], colouring)
    path.write_bytes(_small_png(figure))


def _same_scale(axes, figure, points: np.ndarray) -> None:
    """Limits that fill the panel with one scale for both directions."""
    box = axes.get_position()
    width, height = box.width * figure.get_figwidth(), box.height * figure.get_figheight()
    low, high = points.min(axis=0), points.max(axis=0)
    unit = max(*((high - low) / (width, height)), 1e-9) / 1.94  # 3 % stay free on each side
    middle = (low + high) / 2
    axes.set_xlim(middle[0] - unit * width, middle[0] + unit * width)
    axes.set_ylim(middle[1] - unit * height, middle[1] + unit * height)


def _size(count: int) -> float:
    return float(np.clip(90_000 / max(count, 1), 1.7, 30.0))


def _scatter(axes, points, codes, colouring: Colouring, size: float) -> None:
    # in a seeded random order, so that no class hides another by coming last
    order = np.random.default_rng(42).permutation(len(points))
    colours = np.array(colouring.colours)[codes[order]]
    axes.scatter(*points[order].T, s=size, c=colours, linewidths=0, alpha=0.75)


def _legend(figure, colouring: Colouring) -> None:
    from matplotlib.lines import Line2D

    if len(colouring.names) == 1 or len(colouring.names) > MOST_NAMES:
        return
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=8, color=colour, label=name)
        for name, colour in zip(colouring.names, colouring.colours, strict=True)
    ]
    columns = min(len(handles), 10)
    figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=11)


def _small_png(figure) -> bytes:
    """The figure with at most 256 colours: a third of the bytes, no visible difference."""
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    image = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.save(small, "PNG", optimize=True)
    return small.getvalue()
