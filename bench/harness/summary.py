"""From raw attempts to the figures of a table: the best undisturbed timing, the worst recall."""

from .load import QUIET_CORES

# The kernel counts in ticks of 10 ms, the machine's time and the processes' apart.
TICKS_S = 0.02


def quiet(attempt: dict) -> bool:
    """Whether nobody else took more than 0.2 of a core during any call of the attempt."""
    positions = range(len(attempt["calls"][0]["settings"]))
    first = [_whole(attempt, 0, p, with_import=True) for p in positions]
    later = [_whole(attempt, n, p) for n in range(1, len(attempt["calls"])) for p in positions]
    return all(whole["quiet"] for whole in [*first, *later])


def undisturbed(parts: list[dict]) -> bool:
    """Over all parts of a call at once: a part of milliseconds by itself tells only noise."""
    if any(part["others"] is None for part in parts):
        return True
    taken = sum(part["others"] * part["seconds"] for part in parts) - TICKS_S
    return taken <= QUIET_CORES * sum(part["seconds"] for part in parts)


def summarise(attempts: list[dict], position: int, least: float) -> dict:
    """Figures for one setting over all good attempts of one engine.

    ``first_s`` = import + first call of a fresh process; ``later_s`` = best later call, or the
    first call without its import where the suite makes one only. Both None below ``least``.
    """
    first = _best([_whole(a, 0, position, with_import=True) for a in attempts])
    numbers = range(1, len(attempts[0]["calls"])) or range(1)
    later = _best([_whole(a, n, position) for a in attempts for n in numbers])
    answers = [call["settings"][position] for a in attempts for call in a["calls"]]
    recall = min(answer["recall"] for answer in answers)
    good = recall >= least
    return {
        "setting": answers[0]["setting"],
        "recall": recall,
        "distance_error": max(answer["distance_error"] for answer in answers),
        "fast_enough_to_state": good,
        "first_s": first["seconds"] if good else None,
        "first_quiet": first["quiet"],
        "later_s": later["seconds"] if good else None,
        "later_quiet": later["quiet"],
        "later_calls": len(attempts) * len(numbers),
        "first_compute_s": first["compute_s"],
        "compute_s": later["compute_s"],
        "memory_over_data_mb": most_memory(attempts),
    }


def _whole(attempt: dict, call: int, position: int, with_import: bool = False) -> dict:
    parts = [attempt["calls"][call]["build"], attempt["calls"][call]["settings"][position]]
    if with_import:
        parts.append(attempt["import"])
    return {
        "seconds": sum(part["seconds"] for part in parts),
        # what the engine says that it computed, less than what its caller waited
        "compute_s": attempt["calls"][call]["detail"].get("compute_s"),
        "quiet": undisturbed(parts),
    }


def _best(timings: list[dict]) -> dict:
    """The shortest undisturbed timing; the shortest at all when every one was disturbed."""
    return min(timings, key=lambda t: (not t["quiet"], t["seconds"]))


def most_memory(attempts: list[dict]) -> float | None:
    """The most of all calls."""
    over = [
        memory_over_data([call["memory"]], attempt["data_mb"])
        for attempt in attempts
        for call in attempt["calls"]
    ]
    return None if None in over else max(over)


def memory_over_data(memories: list[dict], data_mb: float | None) -> float | None:
    """Highest sum of the processes' peaks, less what they had with nothing but the data."""
    sums = []
    for memory in memories:
        peaks = [memory["process_mb"], *memory["helpers_mb"], data_mb]
        if any(peak is None for peak in peaks):
            return None
        sums.append(sum(peaks[:-1]) - data_mb - memory.get("helpers_data_mb", 0.0))
    return max(sums)
