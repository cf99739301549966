"""Radius search from Python, against plain distances and scikit-learn."""

import inspect

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors
from sklearn.neighbors import RadiusNeighborsTransformer as Stock
from sklearn.utils.estimator_checks import parametrize_with_checks

import oracle
from datasets import gaussian, stored
from hnsw_bridge import (
    HnswIndexWrapper,
    InvalidArgument,
    RadiusNeighborsTransformer,
    UnknownId,
    options,
)

ROWS = gaussian(3000, 6)
QUERIES = gaussian(150, 6, seed=7)
RADIUS = 1.2


def _sets(hits):
    return [set(hits.row(i)[0].tolist()) for i in range(len(hits))]


def _truth(queries, rows, radius, metric="euclidean"):
    return [set(np.flatnonzero(row <= radius)) for row in oracle.distances(queries, rows, metric)]


@pytest.fixture(scope="module")
def index():
    return HnswIndexWrapper(ROWS, n_neighbors=10)


def test_all_rows_within_the_radius_are_found(index):
    hits = index.radius_search(QUERIES, RADIUS, exact=True)
    assert hits.exact.all()
    assert not hits.truncated.any()
    assert len(hits) == 150
    # Rounded to float32 a distance may fall on the other side.
    inner, outer = (_truth(QUERIES, ROWS, RADIUS + slack) for slack in (-1e-5, 1e-5))
    for seen, least, most in zip(_sets(hits), inner, outer, strict=True):
        assert least <= seen <= most
    distances = oracle.distances(QUERIES, ROWS)
    for i in range(150):
        indices, found = hits.row(i)
        np.testing.assert_allclose(found, distances[i, indices], rtol=1e-5)
        assert (np.diff(found) >= 0).all()
        assert (
            hits.largest_distance[i] == found[-1]
            if len(found)
            else np.isnan(hits.largest_distance[i])
        )


def test_walks_find_what_they_promise():
    with options(algorithm="hnsw"):
        walked = HnswIndexWrapper(ROWS, n_neighbors=10)
    walked.prepare_radius()
    short = 0
    for radius in (0.1, 0.6, RADIUS):
        exact = _sets(walked.radius_search(QUERIES, radius, exact=True, max_results=3000))
        hits = walked.radius_search(QUERIES, radius)
        for seen, every in zip(_sets(hits), exact, strict=True):
            assert seen <= every
            short += len(seen) < 0.95 * min(len(every), 1000)
    assert short <= 3


def test_a_radius_for_each_query_is_what_it_is_alone(index):
    radii = np.linspace(0, 2, 150)
    hits = index.radius_search(QUERIES, radii, exact=True)
    for i in (0, 77, 149):
        alone = index.radius_search(QUERIES[i : i + 1], radii[i], exact=True)
        np.testing.assert_array_equal(alone.indices, hits.row(i)[0])
    everything = index.radius_search(QUERIES[:2], [np.inf, 0], max_results=3000)
    assert np.diff(everything.indptr).tolist() == [3000, 0]


def test_more_queries_than_a_header_has_room_for(index, calls):
    many = np.repeat(QUERIES, 8, axis=0)
    radii = np.linspace(0.1, 1, len(many))
    hits = index.radius_search(many, radii)
    assert len(hits) == 1200
    assert calls()["put"] == 1
    assert hits.row(8)[0].size <= hits.row(15)[0].size


def test_rows_are_near_themselves(index):
    ids = [3, 2999, 3]
    by_id = index.radius_search_by_id(ids, 0.8)
    by_rows = index.radius_search(ROWS[ids], 0.8)
    np.testing.assert_array_equal(by_id.indices, by_rows.indices)
    assert [by_id.row(i)[0][0] for i in range(3)] == ids


def test_of_more_rows_the_nearest_are_kept(index):
    some = index.radius_search(QUERIES, 2.0, max_results=10)
    every = index.radius_search(QUERIES, 2.0, max_results=3000, exact=True)
    counts = np.diff(every.indptr)
    np.testing.assert_array_equal(some.truncated, counts > 10)
    np.testing.assert_array_equal(np.diff(some.indptr), np.minimum(counts, 10))
    assert (some.row(0)[1] == every.row(0)[1][:10]).all()


def test_unsorted_rows_are_by_id(index):
    hits = index.radius_search(QUERIES, RADIUS, sort=False)
    assert all((np.diff(hits.row(i)[0]) > 0).all() for i in range(150))


def test_a_radius_is_found_for_a_number_of_rows(index):
    for start in (None, 0.01, 30.0):
        found = index.search_with_target_count(QUERIES[0], 80, start_radius=start)
        assert found.reached
        assert abs(len(found.indices) - 80) <= 16
        assert found.distances.max() <= found.radius
    with pytest.raises(InvalidArgument, match="target is 3001"):
        index.search_with_target_count(QUERIES[0], 3001)


def test_counts_are_estimated_between_bounds(index):
    counts = np.diff(index.radius_search(QUERIES, 2.0, max_results=3000, exact=True).indptr)
    about = index.estimate_count(QUERIES, 2.0)
    assert (about.low <= about.counts).all()
    assert (about.counts <= about.high).all()
    assert ((about.low <= counts) & (counts <= about.high)).mean() >= 0.85
    exact = index.estimate_count(QUERIES, 2.0, sample=3000)
    np.testing.assert_array_equal(exact.counts, counts)
    np.testing.assert_array_equal(exact.low, exact.high)


def test_a_cosine_of_2_holds_every_row():
    rows = stored("pbmc3k_pca")
    index = HnswIndexWrapper(rows, metric="cosine", n_neighbors=10)
    hits = index.radius_search(rows[:20], 2.0, max_results=len(rows))
    np.testing.assert_array_equal(np.diff(hits.indptr), len(rows))


@pytest.mark.parametrize("name", ["letter", "cosine_duplicates"])
def test_every_copy_of_a_row_is_found(name):
    rows = stored(name)
    with options(algorithm="hnsw"):
        index = HnswIndexWrapper(rows, n_neighbors=10)
    _, inverse, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    copies = counts[inverse.ravel()]
    some = np.argsort(-copies, kind="stable")[:100]
    hits = index.radius_search(rows[some], 0.0)
    np.testing.assert_array_equal(np.diff(hits.indptr), copies[some])


def test_sparse_rows_are_searched():
    dense = np.where(np.abs(ROWS) > 1, ROWS, 0)
    index = HnswIndexWrapper(csr_matrix(dense), n_neighbors=10)
    hits = index.radius_search(csr_matrix(dense[:50]), 1.0, max_results=3000)
    inner, outer = (_truth(dense[:50], dense, 1.0 + slack) for slack in (-1e-5, 1e-5))
    for seen, least, most in zip(_sets(hits), inner, outer, strict=True):
        assert len(seen & least) >= 0.95 * len(least)
        assert seen <= most


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda i: i.radius_search(QUERIES, -1), InvalidArgument, "radius is -1"),
        (lambda i: i.radius_search(QUERIES, np.nan), InvalidArgument, "NaN"),
        (lambda i: i.radius_search(QUERIES, [1, 2]), InvalidArgument, r"shape \(2,\)"),
        (lambda i: i.radius_search(QUERIES, "far"), InvalidArgument, "radius must be"),
        (lambda i: i.radius_search(QUERIES, 1, max_results=0), InvalidArgument, "max_results"),
        (lambda i: i.radius_search(QUERIES, 1, min_recall=2), InvalidArgument, "minRecall is 2"),
        (lambda i: i.radius_search(QUERIES[:, :3], 1), ValueError, "3"),
        (lambda i: i.radius_search_by_id([3000], 1), UnknownId, "3000"),
        (lambda i: i.radius_search_by_id([0.5], 1), InvalidArgument, "integers"),
        (lambda i: i.estimate_count(QUERIES, 1, sample=0), InvalidArgument, "sample"),
    ],
)
def test_what_cannot_be_answered_is_refused(index, call, error, says):
    with pytest.raises(error, match=says):
        call(index)


def test_an_index_of_a_function_says_that_it_cannot():
    numba = pytest.importorskip("numba")
    metric = numba.njit(lambda x, y: np.abs(x - y).sum())
    index = HnswIndexWrapper(ROWS[:50], metric, n_neighbors=5)
    with pytest.raises(InvalidArgument, match="no function"):
        index.radius_search(QUERIES, 1.0)


# ---------------------------------------------------------------------- scikit-learn


@parametrize_with_checks([RadiusNeighborsTransformer()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_the_transformer_has_scikit_learns_parameters():
    theirs = inspect.signature(Stock).parameters
    ours = inspect.signature(RadiusNeighborsTransformer).parameters
    assert set(theirs) <= set(ours)
    assert all(ours[name].default == each.default for name, each in theirs.items())


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
def test_the_graph_is_scikit_learns(mode):
    ours = RadiusNeighborsTransformer(mode=mode, radius=RADIUS, algorithm="brute")
    theirs = Stock(mode=mode, radius=RADIUS)
    for seen, true in (
        (ours.fit_transform(ROWS), theirs.fit_transform(ROWS)),
        (ours.transform(QUERIES), theirs.transform(QUERIES)),
    ):
        assert seen.shape == true.shape
        assert abs(seen.nnz - true.nnz) <= 2
        assert np.abs(seen - true).max() <= RADIUS
        assert (np.abs((seen - true).data) > 1e-4).sum() <= 2


def test_radius_neighbors_is_scikit_learns():
    ours = RadiusNeighborsTransformer(radius=RADIUS, algorithm="brute").fit(ROWS)
    theirs = NearestNeighbors(radius=RADIUS).fit(ROWS)
    for rows in (None, QUERIES):
        distances, indices = ours.radius_neighbors(rows, sort_results=True)
        _, expected = theirs.radius_neighbors(rows, sort_results=True)
        assert indices.dtype == object
        assert indices.shape == expected.shape
        same = [set(a) == set(b) for a, b in zip(indices, expected, strict=True)]
        assert np.mean(same) >= 0.99
        assert all((np.diff(each) >= 0).all() for each in distances)
    graph = ours.radius_neighbors_graph(mode="distance")
    assert graph.diagonal().sum() == 0
    expected = theirs.radius_neighbors()[1]
    assert abs(graph.nnz - sum(map(len, expected))) <= 2
    assert len(expected) == 3000


def test_clusters_are_those_of_scikit_learns_own_search():
    rows = np.vstack([gaussian(400, 4, seed=s) * 0.3 + 3 * s for s in range(4)])
    graph = RadiusNeighborsTransformer(radius=0.4).fit_transform(rows)
    ours = DBSCAN(eps=0.4, min_samples=8, metric="precomputed").fit_predict(graph)
    theirs = DBSCAN(eps=0.4, min_samples=8).fit_predict(rows)
    assert (ours == theirs).mean() >= 0.99
