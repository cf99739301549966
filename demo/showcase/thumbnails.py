"""The images behind the points, on sheets small enough to travel inside the page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np

BUDGET_BYTES = 3_700_000  # becomes 4.9 MB as base64; the whole page stays below 6 MB
SHEET_SIDE = 64
# side of a thumbnail in pixels and quality, best first; the first that fits the budget is taken
STEPS = ((28, 40), (28, 15), (20, 20), (16, 25), (14, 30), (12, 20))


@dataclass(frozen=True)
class Sheets:
    """Data URLs of square sheets; image i is cell i % side^2 of sheet i // side^2."""

    side: int
    pixels: int
    urls: list[str]


def sheets(images: np.ndarray) -> Sheets | None:
    """Sheets of grey images n x h x w (scaled to their own range); None if too many."""
    grey = _grey(images)
    fill = max(1.0, len(grey) / SHEET_SIDE**2)
    for pixels, quality in STEPS:
        if pixels > max(grey.shape[1:]) and (pixels, quality) != STEPS[0]:
            continue
        # one sheet tells what they all will weigh: encoding takes a second for every few sheets
        if _weight(_sheet(grey[: SHEET_SIDE**2], pixels, quality)) * fill <= BUDGET_BYTES:
            return Sheets(SHEET_SIDE, pixels, [_sheet(p, pixels, quality) for p in _parts(grey)])
    return None


def _weight(url: str) -> float:
    return len(url) * 3 / 4


def _grey(images: np.ndarray) -> np.ndarray:
    low, high = float(images.min()), float(images.max())
    return ((images - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)


def _parts(images: np.ndarray):
    step = SHEET_SIDE**2
    return (images[i : i + step] for i in range(0, len(images), step))


def _sheet(images: np.ndarray, pixels: int, quality: int) -> str:
    from PIL import Image, features

    height, width = images.shape[1:]
    cells = np.zeros((SHEET_SIDE**2, height, width), dtype=np.uint8)
    cells[: len(images)] = images
    grid = cells.reshape(SHEET_SIDE, SHEET_SIDE, height, width).swapaxes(1, 2)
    sheet = Image.fromarray(grid.reshape(SHEET_SIDE * height, SHEET_SIDE * width))
    sheet = sheet.resize((SHEET_SIDE * pixels, SHEET_SIDE * pixels), Image.Resampling.BOX)
    kind = "WEBP" if features.check("webp") else "JPEG"
    encoded = io.BytesIO()
    sheet.save(encoded, kind, quality=quality, method=2)
    text = base64.b64encode(encoded.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{text}"
