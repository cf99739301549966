"""bbknn on this engine: one index for each batch, made, prepared and queried by its own code."""

import bbknn
import numpy as np
import pytest
from bbknn.matrix import bbknn as of_matrix

import hnsw_bridge

BATCHES = 3


@pytest.fixture
def batches(cells):
    return np.random.RandomState(0).randint(BATCHES, size=cells.n_obs).astype(str)


def test_each_batch_is_indexed_prepared_and_queried(cells, batches, calls):
    cells.obs["batch"] = batches
    with hnsw_bridge.install(everywhere=True):
        bbknn.bbknn(cells, batch_key="batch", computation="pynndescent", neighbors_within_batch=3)
    assert calls() == {"build": BATCHES, "prepare": BATCHES, "query": BATCHES}
    assert cells.obsp["connectivities"].shape == (cells.n_obs, cells.n_obs)


def test_the_neighbours_are_those_of_its_exact_search(cells, batches):
    rows = cells.obsm["X_pca"]
    with hnsw_bridge.install(everywhere=True):
        ours, _, parameters = of_matrix(rows, batches, computation="pynndescent")
    exact, _, _ = of_matrix(rows, batches, computation="cKDTree")
    assert parameters["n_neighbors"] == 3 * BATCHES
    np.testing.assert_allclose(ours.sum(axis=1), exact.sum(axis=1), rtol=1e-4)
    assert (abs(ours - exact) > 1e-3).nnz <= 0.001 * exact.nnz
