"""hnswlib's C++ headers: what its Python package does not offer is compiled for this machine.

The headers come with the source archive of the version that the peer's requirements pin.
"""

import ctypes
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from harness.machine import versions
from harness.paths import cache_dir

SOURCES = Path(__file__).parent / "cpp"


def library(name: str) -> ctypes.CDLL:
    """``cpp/NAME.cpp`` as a library, kept in the cache; ``make`` returns its index."""
    loaded = ctypes.CDLL(str(_compiled(SOURCES / f"{name}.cpp")))
    loaded.make.restype = ctypes.c_void_p
    return loaded


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def sizes(*values: int) -> list[ctypes.c_size_t]:
    return [ctypes.c_size_t(value) for value in values]


def _compiled(source: Path) -> Path:
    version = versions("hnswlib")["hnswlib"]
    # Another source is another library.
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    library = cache_dir() / f"{source.stem}-{version}-{digest}.so"
    if not library.is_file():
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            pip += ["--no-binary", "hnswlib", f"hnswlib=={version}", "--dest", folder]
            subprocess.run(pip, check=True)
            [archive] = Path(folder).glob("hnswlib-*.tar.gz")
            with tarfile.open(archive) as content:
                content.extractall(folder, filter="data")
            [headers] = Path(folder).glob("hnswlib-*/hnswlib/hnswlib.h")
            flags = ["-O3", "-march=native", "-std=c++14", "-shared", "-fPIC", "-pthread"]
            include = ["-I", str(headers.parent), "-I", str(headers.parent.parent)]
            made = library.with_suffix(".new")
            subprocess.run(["c++", *flags, *include, str(source), "-o", str(made)], check=True)
            made.rename(library)
    return library
