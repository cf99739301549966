"""hnswlib's epsilon search, which only its C++ headers have: they are compiled for this machine.

The headers come with the source archive of the version that the peer's requirements pin.
"""

import ctypes
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from harness.machine import versions
from harness.paths import cache_dir

SOURCE = Path(__file__).parent / "cpp" / "hnswlib_epsilon.cpp"


class Engine:
    def __init__(self, threads: int) -> None:
        self._library = ctypes.CDLL(str(_compiled()))
        self._library.make.restype = ctypes.c_void_p

    def ready_for_radius(self, rows, metric, options):
        if metric != "euclidean":
            raise ValueError(f"hnswlib's epsilon is set up for euclidean here, not for {metric!r}")
        n, self._dim = rows.shape
        counts = [
            ctypes.c_size_t(v) for v in (n, self._dim, options["M"], options["ef_construction"])
        ]
        return ctypes.c_void_p(self._library.make(_floats(np.ascontiguousarray(rows)), *counts))

    def within(self, index, queries, radius, most) -> dict:
        """Seconds of a loop over the queries, and how many rows each has."""
        queries = np.ascontiguousarray(queries)
        counts = np.zeros(len(queries), np.int32)
        sizes = [ctypes.c_size_t(v) for v in (len(queries), self._dim)]
        # Its distances are squares.
        squared, wanted = ctypes.c_float(radius * radius), ctypes.c_size_t(most)
        start = time.perf_counter()
        self._library.within(
            index, _floats(queries), *sizes, squared, wanted, counts.ctypes.data_as(ctypes.c_void_p)
        )
        return {"seconds": time.perf_counter() - start, "counts": counts.tolist()}

    def describe(self, index) -> dict:
        return {"versions": versions("hnswlib", "numpy")}


def _floats(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def _compiled() -> Path:
    version = versions("hnswlib")["hnswlib"]
    library = cache_dir() / f"hnswlib-epsilon-{version}.so"
    if not library.is_file():
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            pip += ["--no-binary", "hnswlib", f"hnswlib=={version}", "--dest", folder]
            subprocess.run(pip, check=True)
            [archive] = Path(folder).glob("hnswlib-*.tar.gz")
            with tarfile.open(archive) as content:
                content.extractall(folder, filter="data")
            [headers] = Path(folder).glob("hnswlib-*/hnswlib/hnswlib.h")
            flags = ["-O3", "-march=native", "-std=c++14", "-shared", "-fPIC"]
            include = ["-I", str(headers.parent), "-I", str(headers.parent.parent)]
            made = library.with_suffix(".new")
            subprocess.run(["c++", *flags, *include, str(SOURCE), "-o", str(made)], check=True)
            made.rename(library)
    return library
