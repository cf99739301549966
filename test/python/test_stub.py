"""The stand-in for pynndescent: what it holds, and that it never takes the place of the real one.

That umap fits with it is in `test_umap.py`, in a process of its own.
"""

import sys
from types import ModuleType

import pytest
import umap.umap_ as umap_  # Here, so that it finds the real one, as other tests expect.

import hnsw_bridge
from hnsw_bridge import _stub


@pytest.fixture
def standing_in(monkeypatch):
    """The stand-in in place, as in a process that has not imported pynndescent."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "pynndescent"]:
        monkeypatch.delitem(sys.modules, name)
    assert _stub.put_in_place()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pynndescent"]:
        del sys.modules[name]


@pytest.mark.usefixtures("standing_in")
def test_it_has_what_umap_and_scanpy_import_and_it_is_ours():
    from pynndescent import NNDescent, PyNNDescentTransformer
    from pynndescent.distances import named_distances
    from pynndescent.rp_trees import make_forest
    from pynndescent.sparse import sparse_named_distances

    assert NNDescent is hnsw_bridge.HnswIndexWrapper
    assert PyNNDescentTransformer is hnsw_bridge.PyNNDescentTransformer
    assert make_forest(None, 10, 1) == []
    assert {"euclidean", "l2", "spearmanr", "bit_jaccard"} <= set(named_distances)
    assert set(sparse_named_distances) < set(named_distances)
    assert "mahalanobis" not in sparse_named_distances
    assert "sinkhorn" not in named_distances


@pytest.mark.usefixtures("standing_in")
def test_a_distance_of_one_pair_says_what_it_needs():
    from pynndescent.distances import named_distances

    with pytest.raises(ImportError, match="'tsss' of single pairs needs pynndescent"):
        named_distances["tsss"]([1.0], [2.0])
    with pytest.raises(KeyError):
        named_distances["no such metric"]


@pytest.mark.usefixtures("standing_in")
def test_nothing_falls_back_to_it():
    with pytest.raises(hnsw_bridge.UnknownMetric, match="no such metric"):
        hnsw_bridge.HnswIndexWrapper([[1.0], [2.0]], metric="no such metric")
    with hnsw_bridge.install("off"), pytest.raises(ImportError, match="original is not known"):
        umap_.NNDescent([[1.0], [2.0]])


def test_a_package_imported_before_stays(monkeypatch):
    real = ModuleType("pynndescent")
    monkeypatch.setitem(sys.modules, "pynndescent", real)
    assert not _stub.put_in_place()
    assert sys.modules["pynndescent"] is real
