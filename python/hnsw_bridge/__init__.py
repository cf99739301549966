"""Nearest neighbours for UMAP from a native engine: a drop-in for PyNNDescent.

    from hnsw_bridge.umap import UMAP      # umap.UMAP on this engine; or:
    hnsw_bridge.install()                  # every NNDescent that umap makes, from now on
    Index(rows).query(queries)             # the index itself, or by PyNNDescent's names:
    HnswIndexWrapper(rows).query(queries)

    PyNNDescentTransformer(15)             # or a neighbour graph, for scikit-learn and scanpy

The engine runs in a server process, which is found, started on first use, shared by all threads,
and gone with this process; inside Pyodide, in the JavaScript around it. Importing the package
imports numpy, where there is one, and nothing else of weight.
"""

from typing import TYPE_CHECKING, Any

from ._engine import connect, shutdown, stats
from ._errors import (
    CallTimeout,
    Cancelled,
    Closed,
    CorruptFile,
    DimensionMismatch,
    EmptyIndex,
    EngineUnavailable,
    FallbackWarning,
    FileError,
    HnswError,
    InternalError,
    InvalidArgument,
    NonFinite,
    OutOfMemory,
    ProtocolError,
    ServerDied,
    Unauthorized,
    UnknownId,
    UnknownMetric,
    UnsupportedVersion,
)
from ._install import install, uninstall, using
from ._parameters import options
from ._version import __version__
from .index import HnswIndexWrapper, load
from .vector_index import Index

if TYPE_CHECKING:
    from .radius_transformer import RadiusNeighborsTransformer as RadiusNeighborsTransformer
    from .transformers import KNeighborsTransformer as KNeighborsTransformer
    from .transformers import PyNNDescentTransformer as PyNNDescentTransformer

__all__ = [
    "CallTimeout",
    "Cancelled",
    "Closed",
    "CorruptFile",
    "DimensionMismatch",
    "EmptyIndex",
    "EngineUnavailable",
    "FallbackWarning",
    "FileError",
    "HnswError",
    "HnswIndexWrapper",
    "Index",
    "InternalError",
    "InvalidArgument",
    "NonFinite",
    "OutOfMemory",
    "ProtocolError",
    "ServerDied",
    "Unauthorized",
    "UnknownId",
    "UnknownMetric",
    "UnsupportedVersion",
    "__version__",
    "connect",
    "install",
    "load",
    "options",
    "shutdown",
    "stats",
    "uninstall",
    "using",
]

# Imported when first asked for, and therefore not in __all__: they need scikit-learn.
_TRANSFORMERS = {
    "KNeighborsTransformer": "transformers",
    "PyNNDescentTransformer": "transformers",
    "RadiusNeighborsTransformer": "radius_transformer",
}


def __getattr__(name: str) -> Any:
    if name in _TRANSFORMERS:
        from importlib import import_module

        return getattr(import_module(f".{_TRANSFORMERS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_TRANSFORMERS})
