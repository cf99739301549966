"""umap's aligned layouts, compiled; `test_umap.py` counts their calls without the compiler."""

import numpy as np
import umap
from sklearn.manifold import trustworthiness

import hnsw_bridge
from datasets import digits


def test_aligned_slices_of_digits_are_embedded_from_our_neighbours(calls):
    x = digits()[0][:600]
    slices = [x[:400], x[200:]]
    model = umap.AlignedUMAP(
        n_neighbors=10, n_epochs=60, random_state=1, force_approximation_algorithm=True
    )
    with hnsw_bridge.install("on"):
        model.fit(slices, relations=[{i + 200: i for i in range(200)}])
    assert calls() == {"build": 2, "neighbor_graph": 2}
    for rows, embedded in zip(slices, model.embeddings_, strict=True):
        assert trustworthiness(rows, np.asarray(embedded), n_neighbors=10) >= 0.9
