"""How much CPU everybody else took while something was timed.

Linux only: the machine's busy time from /proc/stat less the time of this process and all its
descendants. Elsewhere the figures are None and a report says that the load was not measured.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
QUIET_CORES = 0.2


@dataclass
class Timing:
    """Seconds of wall time; cores taken by other processes and by the hypervisor meanwhile."""

    seconds: float = 0.0
    others: float | None = None
    steal: float | None = None


class Stopwatch:
    """``with Stopwatch() as t: ...`` fills ``t`` (a Timing) at the end."""

    def __enter__(self) -> Timing:
        self._timing = Timing()
        self._before = _snapshot()
        self._start = time.perf_counter()
        return self._timing

    def __exit__(self, *_: object) -> None:
        self._timing.seconds = time.perf_counter() - self._start
        after = _snapshot()
        if self._before is None or after is None:
            return
        busy, own, steal = (b - a for a, b in zip(self._before, after, strict=True))
        # the clock ticks every 10 ms: differences below that may come out negative
        self._timing.others = max(0.0, (busy - own) / max(self._timing.seconds, 1 / TICK))
        self._timing.steal = max(0.0, steal / max(self._timing.seconds, 1 / TICK))


def _snapshot() -> tuple[float, float, float] | None:
    """Seconds since boot: machine busy, this process tree, stolen by the hypervisor."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal = (int(x) for x in fields[:8])
    return (user + nice + system + irq + softirq) / TICK, _tree_seconds(), steal / TICK


def _tree_seconds() -> float:
    parents, spent = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _read_stat(entry)
            if stat:
                parents[int(entry.name)], spent[int(entry.name)] = stat
    me = os.getpid()
    return sum(ticks for pid, ticks in spent.items() if _descends(pid, me, parents)) / TICK


def _read_stat(entry: Path) -> tuple[int, int] | None:
    """Parent and ticks spent (own and reaped children's) of one process."""
    try:
        # the command's name may hold blanks and brackets: fields count from the last bracket
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), sum(int(x) for x in fields[11:15])


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = parents.get(pid, 0)
    return False
