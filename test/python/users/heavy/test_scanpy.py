"""scanpy on this engine: neighbours, clusters, and cells mapped onto cells it has seen."""

import warnings

import anndata
import numpy as np
import pytest
import scanpy as sc
from sklearn.metrics import adjusted_rand_score

import hnsw_bridge
from datasets import stored
from hnsw_bridge import HnswIndexWrapper, KNeighborsTransformer, PyNNDescentTransformer

LEAST_AGREEMENT = 0.98
N_NEIGHBORS = 15
SEEDS = range(5)


def _clusters(cells):
    """The best of several Leiden runs to the end.

    One run of few rounds says little here: two seeds of it on one graph agree to 0.95 only.
    """
    graph = sc._utils.get_igraph_from_adjacency(cells.obsp["connectivities"], directed=False)
    found = []
    for seed in SEEDS:
        sc.tl.leiden(cells, flavor="igraph", n_iterations=-1, directed=False, random_state=seed)
        codes = cells.obs["leiden"].cat.codes.to_numpy().copy()
        found.append((graph.modularity(codes, weights="weight"), seed, codes))
    return max(found)[2]


@pytest.fixture(scope="module")
def stock(loaded):
    """The cells with the neighbours and clusters that scanpy finds by itself."""
    cells = loaded.copy()
    sc.pp.neighbors(cells, n_neighbors=N_NEIGHBORS)
    cells.obs["stock"] = _clusters(cells)
    return cells


@pytest.mark.parametrize("algorithm", ["auto", "hnsw"])
@pytest.mark.parametrize("made", [PyNNDescentTransformer, KNeighborsTransformer])
def test_contract_39_scanpy_takes_the_transformer_without_a_warning_and_finds_stock_clusters(
    cells, stock, made, algorithm
):
    transformer = made(n_neighbors=N_NEIGHBORS, random_state=0)
    with warnings.catch_warnings(), hnsw_bridge.options(algorithm=algorithm):
        warnings.simplefilter("error")
        sc.pp.neighbors(cells, transformer=transformer)
    assert isinstance(transformer.index_, HnswIndexWrapper)
    agreement = adjusted_rand_score(stock.obs["stock"], _clusters(cells))
    assert agreement >= LEAST_AGREEMENT


def test_the_connectivities_are_those_of_its_own_search(cells, stock, calls):
    sc.pp.neighbors(cells, transformer=KNeighborsTransformer(n_neighbors=N_NEIGHBORS))
    assert calls() == {"build": 1, "neighbor_graph": 1}
    difference = abs(cells.obsp["connectivities"] - stock.obsp["connectivities"])
    assert difference.max() <= 1e-4


def test_scanpys_own_choice_for_many_cells_is_answered_when_installed_everywhere(calls):
    cells = anndata.AnnData(stored("letter")[:9000].copy())
    with hnsw_bridge.install(everywhere=True):
        sc.pp.neighbors(cells, n_neighbors=N_NEIGHBORS, use_rep="X")
    assert calls() == {"build": 1, "neighbor_graph": 1}
    assert cells.obsp["connectivities"].shape == (9000, 9000)


@pytest.mark.parametrize("source", ["stock", "ours"])
def test_ingest_maps_new_cells_onto_old_ones(cells, source, calls):
    known, new = cells[:2400].copy(), cells[2400:].copy()
    transformer = PyNNDescentTransformer(N_NEIGHBORS) if source == "ours" else None
    sc.pp.neighbors(known, n_neighbors=N_NEIGHBORS, transformer=transformer)
    sc.tl.umap(known, maxiter=50)
    known.varm["PCs"] = np.eye(50, dtype=np.float32)
    calls()
    with hnsw_bridge.install(everywhere=True):
        sc.tl.ingest(new, known, obs="type", embedding_method="umap")
    assert calls() == {"build": 1, "query": 1}
    assert (new.obs["type"].astype(str) == cells.obs["type"][2400:]).mean() >= 0.9
    assert new.obsm["X_umap"].shape == (238, 2)


def test_ingest_needs_no_pynndescent(run_program):
    lines = run_program("ingest_without_pynndescent.py").stdout.splitlines()
    assert lines[-2:] == ["True (100, 2)", "False"]
