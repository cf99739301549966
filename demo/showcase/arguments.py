"""The demo's command line."""

import argparse
from pathlib import Path

from .errors import DemoError

LEAST_ROWS = 4


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise DemoError(message)


def parse(argv: list[str]) -> argparse.Namespace:
    """Options as a namespace; DemoError for anything that is not an option."""
    parser = _Parser(
        prog="npm run demo --", description="UMAP with every neighbour search answered"
    )
    parser.add_argument(
        "--data",
        default="fashion-mnist",
        help="fashion-mnist (default), digits, FILE.npy or FILE.npz (arrays x, y, names)",
    )
    parser.add_argument("--rows", type=_rows, help="rows to fit, drawn by seed; default: all")
    parser.add_argument("--metric", default="euclidean", help="distance; default: euclidean")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for picture and page")
    parser.add_argument("--compare", action="store_true", help="the same with PyNNDescent")
    parser.add_argument("--json", action="store_true", help="last line: all figures as JSON")
    parser.add_argument("--seed", type=int, help="random_state of UMAP (its layout: one thread)")
    return parser.parse_args(argv)


def _rows(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < LEAST_ROWS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {LEAST_ROWS}")
    return count
