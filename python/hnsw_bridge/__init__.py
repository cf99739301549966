"""Nearest neighbours for UMAP from a native engine."""

__version__ = "0.1.0"
