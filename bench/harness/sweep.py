"""Queries at rising effort: the speed an engine has at a stated recall, between what was measured.

A point is ``{"recall", "qps", "quiet", ...}``; a sweep is the points of one engine on one number of
threads, by rising effort.
"""

import math


def at_recall(points: list[dict], level: float) -> dict | None:
    """The speed at that recall: ``{"qps", "at_least", "quiet"}``; None where it is not reached.

    Between the two points around the level log(qps) is interpolated by recall. Where even the least
    effort measured is above the level, its speed is a lower bound (``at_least``).
    """
    front = frontier(points)
    above = [point for point in front if point["recall"] >= level]
    if not above:
        return None
    high = above[0]
    below = [point for point in front if point["recall"] < level]
    if not below:
        return {"qps": high["qps"], "at_least": True, "quiet": high["quiet"]}
    low = below[-1]
    share = (level - low["recall"]) / (high["recall"] - low["recall"])
    qps = math.exp((1 - share) * math.log(low["qps"]) + share * math.log(high["qps"]))
    return {"qps": qps, "at_least": False, "quiet": low["quiet"] and high["quiet"]}


def frontier(points: list[dict]) -> list[dict]:
    """The points that no other beats in both recall and speed, by rising recall."""
    best: list[dict] = []
    for point in sorted(points, key=lambda p: (-p["recall"], -p["qps"])):
        if not best or point["qps"] > best[-1]["qps"]:
            best.append(point)
    return best[::-1]
