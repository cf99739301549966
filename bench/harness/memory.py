"""Peak resident memory of processes, in MB of 1 000 000 bytes."""

import os
import sys
from pathlib import Path


def peak_mb(pid: int | None = None) -> float | None:
    """High-water mark of a process (this one by default); None where the system does not tell."""
    status = Path(f"/proc/{pid or os.getpid()}/status")
    try:
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return _own_peak_mb() if pid is None or pid == os.getpid() else None


def _own_peak_mb() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
