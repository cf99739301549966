"""Draws what `plots` describes: ``python -m harness.draw FOLDER``, the plots as JSON on stdin."""

import json
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

SIZE = (9.0, 5.6)
MARKERS = "osD^vP*Xph<>d8"


def draw(plot: dict, folder: Path) -> None:
    """One plot as FILE.svg and FILE.png."""
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    for number, series in enumerate(plot["series"]):
        own = series.get("own", False)
        axes.plot(
            series["x"],
            series["y"],
            marker=MARKERS[number % len(MARKERS)],
            linewidth=2.6 if own else 1.2,
            markersize=7 if own else 5,
            linestyle="-" if own or number < 10 else "--",
            zorder=3 if own else 2,
            label=series["name"],
        )
    for name in "xy":
        axis = plot[name]
        getattr(axes, f"set_{name}label")(axis["label"])
        getattr(axes, f"set_{name}scale")("log" if axis.get("log") else "linear")
    axes.set_title(plot["title"])
    axes.grid(True, which="both", alpha=0.25)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))
    if plot.get("note"):
        figure.supxlabel(plot["note"], fontsize="small", color="0.35")
    for kind in ("svg", "png"):
        figure.savefig(folder / f"{plot['file']}.{kind}", dpi=120, metadata=_undated(kind))
    plt.close(figure)


def _undated(kind: str) -> dict:
    """Without a date the same figures give the same file."""
    return {"Date": None} if kind == "svg" else {}


if __name__ == "__main__":
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "hnsw-bridge"
    for description in json.load(sys.stdin):
        draw(description, Path(sys.argv[1]))
