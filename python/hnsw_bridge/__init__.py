"""Nearest neighbours for UMAP from a native engine: a drop-in for PyNNDescent.

    from hnsw_bridge.umap import UMAP      # umap.UMAP on this engine; or:
    hnsw_bridge.install()                  # every NNDescent that umap makes, from now on
    HnswIndexWrapper(rows).query(queries)  # the index itself

The engine runs in a server process, which is found, started on first use, shared by all threads,
and gone with this process. Importing the package imports numpy and nothing else of weight.
"""

from ._client import connect, shutdown, stats
from ._errors import (
    CallTimeout,
    Cancelled,
    Closed,
    CorruptFile,
    DimensionMismatch,
    EmptyIndex,
    EngineUnavailable,
    FallbackWarning,
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
from .index import HnswIndexWrapper

__all__ = [
    "CallTimeout",
    "Cancelled",
    "Closed",
    "CorruptFile",
    "DimensionMismatch",
    "EmptyIndex",
    "EngineUnavailable",
    "FallbackWarning",
    "HnswError",
    "HnswIndexWrapper",
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
    "options",
    "shutdown",
    "stats",
    "uninstall",
    "using",
]
