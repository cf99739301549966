"""Neighbours of real rows against brute force: recall, distance error, one answer everywhere."""

import json
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import hnsw_bridge
import oracle
from datasets import gaussian, stored
from hnsw_bridge import HnswIndexWrapper, _launch

K = 15
APPROXIMATE_RECALL = {"letter": 0.99, "mammoth_10k": 0.99, "sift5k": 0.98, "pbmc3k_pca": 0.98}
LARGEST_RELATIVE_ERROR = 0.01
_SAMPLE = 1000
_SEED = 20


@cache
def _truth(name):
    """A sample of rows, and their true distances to all rows; the row itself is at 0."""
    rows = stored(name)
    sample = np.random.RandomState(_SEED).choice(len(rows), min(_SAMPLE, len(rows)), replace=False)
    return rows, sample, oracle.distances(rows[sample], rows)


@pytest.mark.parametrize("name", APPROXIMATE_RECALL)
def test_the_exact_graph_is_exact_up_to_ties(name):
    rows, sample, true = _truth(name)
    with hnsw_bridge.options(algorithm="exact"):
        index = HnswIndexWrapper(rows, n_neighbors=K + 1)
    _, distances = index.neighbor_graph
    assert index.plan["neighbor_graph"]["algorithm"] == "exact"
    assert oracle.recall(distances[sample], true, K + 1) == 1.0
    np.testing.assert_allclose(
        distances[sample], np.sort(true, axis=1)[:, : K + 1], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(("name", "least"), APPROXIMATE_RECALL.items())
def test_the_approximate_graph_and_queries_reach_their_recall(name, least):
    rows, sample, true = _truth(name)
    with hnsw_bridge.options(algorithm="hnsw"):
        index = HnswIndexWrapper(rows, n_neighbors=K + 1, random_state=_SEED)
    assert index.plan["neighbor_graph"]["algorithm"] == "approximate"
    graph = index.neighbor_graph[1][sample]
    queried = index.query(rows[sample], k=K + 1)[1]
    for found in (graph, queried):
        assert oracle.recall(found, true, K + 1) >= least
        assert oracle.relative_error(found, true, K + 1) <= LARGEST_RELATIVE_ERROR
    assert index.stats()["unreachable"] == 0


def test_sift_has_its_stored_ground_truth():
    rows = stored("sift5k")
    with hnsw_bridge.options(algorithm="exact"):
        _, distances = HnswIndexWrapper(rows, "sqeuclidean", n_neighbors=101).neighbor_graph
    np.testing.assert_array_equal(distances[:, 1:], stored("sift5k_gt", "d2"))


def test_every_row_of_an_appended_index_is_found():
    rows = stored("pbmc3k_pca")
    with hnsw_bridge.options(algorithm="hnsw"):
        index = HnswIndexWrapper(rows[:1000], n_neighbors=K, random_state=_SEED)
    index.prepare()
    for start in range(1000, len(rows), 500):
        index.update(rows[start : start + 500])
    indices, distances = index.query(rows, k=K)
    assert (indices[:, 0] == np.arange(len(rows))).mean() >= 0.98
    assert oracle.recall(distances, oracle.distances(rows, rows), K) >= 0.98


_IN_PROCESS = """
import { readFileSync, writeFileSync } from "node:fs";
const { library, folder, rows, dim, queries, seed, options } = JSON.parse(process.argv[2]);
const { HnswIndex } = await import(library);
const floats = (name) => new Float32Array(new Uint8Array(readFileSync(`${folder}/${name}`)).buffer);
const matrix = (name, n) => ({ data: floats(name), shape: [n, dim] });
const index = await HnswIndex.build(matrix("rows", rows), { ...options, seed: BigInt(seed) });
const graph = await index.neighborGraph();
const hits = await index.query(matrix("queries", queries), { k: 7 });
for (const [name, { indices, distances }] of Object.entries({ graph, hits })) {
  writeFileSync(`${folder}/${name}.i`, new Uint8Array(Int32Array.from(indices.data).buffer));
  writeFileSync(`${folder}/${name}.d`, new Uint8Array(Float32Array.from(distances.data).buffer));
}
"""


@pytest.mark.parametrize("algorithm", ["exact", "hnsw"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_bridge_answers_what_the_engine_answers_in_process(tmp_path, metric, algorithm):
    rows, queries = gaussian(3000, 24), gaussian(200, 24, seed=1)
    with hnsw_bridge.options(algorithm=algorithm):
        index = HnswIndexWrapper(rows, metric, n_neighbors=10, random_state=5, n_jobs=1)
    rows.tofile(tmp_path / "rows")
    queries.tofile(tmp_path / "queries")
    options = {"metric": metric, "nNeighbors": 10, "algorithm": algorithm, "threads": 2}
    job = {
        "library": _library().as_uri(),
        "folder": str(tmp_path),
        "rows": len(rows),
        "dim": rows.shape[1],
        "queries": len(queries),
        "seed": str(index._seed),
        "options": options,
    }
    program = tmp_path / "in-process.mjs"
    program.write_text(_IN_PROCESS)
    command = [_launch._find_node(), str(program), json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, found in (("graph", index.neighbor_graph), ("hits", index.query(queries, k=7))):
        indices = np.fromfile(tmp_path / f"{name}.i", np.int32).reshape(found[0].shape)
        distances = np.fromfile(tmp_path / f"{name}.d", np.float32).reshape(found[1].shape)
        if metric == "cosine":  # PyNNDescent's cosine ends at 1, the engine's at 2.
            distances = np.minimum(distances, 1)
        np.testing.assert_array_equal(found[0], indices)
        assert found[1].tobytes() == distances.tobytes()


def _library() -> Path:
    """The built TypeScript API, beside the server's script."""
    script = _launch._find_script()
    assert script is not None
    library = script.with_name("index.js")
    if not library.is_file():
        pytest.skip(f"the TypeScript API is not built beside {script.name}")
    return library
