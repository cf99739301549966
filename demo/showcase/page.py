"""The embedding as one self-contained HTML file: nothing is fetched, it works from a disk."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from html import escape
from pathlib import Path

import numpy as np

from .colours import Colouring
from .data import Dataset
from .thumbnails import sheets

TEMPLATE = Path(__file__).with_name("page.html")
SCRIPT = Path(__file__).with_name("page.js")


def write(
    path: Path, title: str, facts: str, points: np.ndarray, data: Dataset, colouring: Colouring
) -> None:
    """Writes the page. ``points`` is n x 2, fitted rows first."""
    payload = {
        "fitted": len(data.train),
        "names": colouring.names,
        "colours": colouring.colours,
        "positions": _base64(_quantised(points)),
        "codes": _base64(colouring.codes.astype("<u2")),
        "sheets": _sheets(data),
    }
    # "</" would end the script element early
    text = json.dumps(payload).replace("</", "<\\/")
    page = TEMPLATE.read_text(encoding="utf-8")
    for mark, value in {
        "%TITLE%": escape(title),
        "%FACTS%": escape(facts),
        "%DATA%": text,
        "%SCRIPT%": SCRIPT.read_text(encoding="utf-8"),
    }.items():
        page = page.replace(mark, value)
    path.write_text(page, encoding="utf-8")


def _quantised(points: np.ndarray) -> np.ndarray:
    """Both coordinates on one scale as 16-bit numbers: the map's shape is kept."""
    low = points.min(axis=0)
    extent = max(float((points - low).max()), 1e-12)
    return np.round((points - low) * (65535.0 / extent)).astype("<u2")


def _sheets(data: Dataset) -> dict | None:
    if data.image_shape is None:
        return None
    packed = sheets(data.rows.reshape(-1, *data.image_shape))
    return asdict(packed) if packed else None


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
