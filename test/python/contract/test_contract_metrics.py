"""Contract checks 32 and 34: every metric by value, against the golden table and SciPy."""

import numpy as np
import pytest

import hnsw_bridge
import oracle
from datasets import gaussian
from golden import TABLE, cases, distances_to, entries, names
from hnsw_bridge import HnswIndexWrapper
from sides import COMPILES, ours_only

_LARGEST_ERROR = 1e-5
CASES = cases("values")
PROXIES = sorted(set(TABLE["names"]["proxy"]) - set(TABLE["rejected"]))
WITH_SCIPY = {
    "euclidean": {},
    "l2": {},
    "sqeuclidean": {},
    "manhattan": {},
    "taxicab": {},
    "l1": {},
    "chebyshev": {},
    "linfinity": {},
    "linfty": {},
    "linf": {},
    "minkowski": {"p": 3},
    "cosine": {},
    "correlation": {},
    "hamming": {},
    "canberra": {},
    "braycurtis": {},
}
both_algorithms = pytest.mark.parametrize("algorithm", ["exact", "hnsw"])


def _index(rows, metric, kwds, algorithm="auto", n_neighbors=1):
    with hnsw_bridge.options(algorithm=algorithm):
        return HnswIndexWrapper(rows, metric, kwds, n_neighbors, random_state=1)


@both_algorithms
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.filterwarnings("ignore:Failed to correctly find")
def test_contract_32_golden_values(case, algorithm):
    x, y = (
        np.array(rows, dtype=case.dtype)
        for rows in zip(*[p[1:3] for p in case.valued], strict=True)
    )
    found = distances_to(_index(y, case.metric, case.kwds, algorithm), x, len(y)).diagonal()
    expected = [pair.expected for pair in case.valued]
    labels = [pair.label for pair in case.valued]
    np.testing.assert_allclose(
        found, expected, rtol=_LARGEST_ERROR, atol=_LARGEST_ERROR, err_msg=labels
    )


REFUSED = {
    f"{title}-{pair.label}": (case, pair) for title, case in CASES.items() for pair in case.refused
}


@pytest.mark.parametrize(("case", "pair"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.filterwarnings("ignore:Failed to correctly find")
def test_contract_32_rows_outside_a_metrics_domain_are_refused_where_they_stand(case, pair):
    good = np.array([case.valued[0].x, case.valued[0].y], dtype=case.dtype)
    index = _index(good, case.metric, case.kwds)
    for bad in (row for row in (pair.x, pair.y) if _is_outside(row)):
        for use in (
            lambda bad=bad: _index(np.vstack([good, bad]), case.metric, case.kwds),
            lambda bad=bad: index.query(np.array([bad], dtype=case.dtype), k=1),
        ):
            with pytest.raises(ValueError, match=r"row \d") as caught:
                use()
            assert caught.value.code == pair.expected


def _is_outside(row):
    return min(row) < 0 or max(row) == 0


def test_contract_32_every_pair_has_a_value_or_a_decision():
    missing = [
        f"{title}, {pair.label}"
        for title, case in CASES.items()
        for pair in case.pairs
        if pair.expected is None
    ]
    assert missing == []


def test_contract_32_every_name_of_pynndescent_is_covered_or_refused():
    covered = {name for entry in entries("values") for name in names(entry, "values")}
    assert set(TABLE["names"]["dense"]) - covered - set(TABLE["rejected"]) == set()
    assert len(TABLE["names"]["dense"]) == 54
    assert len(TABLE["names"]["proxy"]) == 12


@pytest.mark.parametrize("metric", TABLE["rejected"])
def test_contract_32_a_metric_that_is_refused_says_what_to_take(metric):
    with pytest.raises(ValueError, match="sinkhorn"):
        HnswIndexWrapper(np.abs(gaussian(20, 4)) + 1, metric, n_neighbors=5)


@pytest.mark.parametrize("proxy", PROXIES)
def test_contract_32_a_proxy_is_answered_by_the_true_metric(proxy):
    metric = proxy.removeprefix("proxy_")
    rows = np.abs(gaussian(60, 5)) + 0.1
    found, expected = (_index(rows, name, None, n_neighbors=8) for name in (proxy, metric))
    np.testing.assert_array_equal(found.neighbor_graph[1], expected.neighbor_graph[1])
    np.testing.assert_array_equal(found.query(rows[:9], k=4)[1], expected.query(rows[:9], k=4)[1])
    assert found.metric == proxy


def test_contract_32_minkowski_has_p_2_by_default():
    rows = gaussian(50, 4)
    found = HnswIndexWrapper(rows, "minkowski", n_neighbors=5).neighbor_graph[1]
    expected = HnswIndexWrapper(rows, "euclidean", n_neighbors=5).neighbor_graph[1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@both_algorithms
@pytest.mark.parametrize(("metric", "kwds"), WITH_SCIPY.items())
def test_contract_32_distances_are_scipys(metric, kwds, algorithm):
    rows = gaussian(300, 19)
    if metric == "hamming":
        rows = np.round(rows)
    index = _index(rows, metric, kwds, algorithm, n_neighbors=12)
    graph_indices, graph_distances = index.neighbor_graph
    indices, distances = index.query(rows[:40], k=12)
    true = oracle.distances(rows, rows, metric, **kwds)
    for i, d, t in ((graph_indices, graph_distances, true), (indices, distances, true[:40])):
        np.testing.assert_allclose(d, np.take_along_axis(t, i, 1), rtol=1e-5, atol=2e-6)
        assert oracle.recall(d, t, 12) >= (1.0 if algorithm == "exact" else 0.98)


def test_contract_34_opposite_rows_by_cosine_are_at_one(index_class):
    rows = np.vstack([gaussian(50, 3), -gaussian(50, 3)])
    indices, distances = index_class(rows, "cosine", n_neighbors=99).neighbor_graph
    assert distances[indices >= 0].max() == 1
    assert (distances[indices == (np.arange(100)[:, None] + 50) % 100] == 1).all()


@ours_only("finds one of them, and pads")
@pytest.mark.parametrize(
    ("metric", "to_zero", "to_others"),
    [
        ("cosine", 1, 1),
        ("dot", 1, 1),
        ("correlation", 0, 1),
        ("hellinger", 0, 1),
        ("jaccard", 0, 1),
        ("hamming", 0, 1),
        ("canberra", 0, 6),
        ("braycurtis", 0, 1),
    ],
)
def test_contract_34_zero_rows_are_neighbours_as_the_table_has_it(
    make_index, metric, to_zero, to_others
):
    rows = np.vstack([np.zeros((3, 6)), np.abs(gaussian(30, 6)) + 0.1])
    indices, distances = make_index(rows, metric, n_neighbors=32).neighbor_graph
    zeros = indices[:3, 1:]
    assert (distances[:3, 1:][(zeros >= 0) & (zeros < 3)] == to_zero).all()
    np.testing.assert_allclose(distances[:3, 1:][zeros >= 3], to_others, rtol=1e-5)
    assert (np.sort(indices[:3])[:, -29:] >= 3).all()


@ours_only(COMPILES)
def test_contract_34_true_angular_rows_descend(make_index):
    rows = np.abs(gaussian(80, 5))
    _, distances = make_index(rows, "true_angular", n_neighbors=10).neighbor_graph
    assert (distances[:, 0] == 0).all()
    assert (np.diff(distances[:, 1:], axis=1) <= 0).all()
