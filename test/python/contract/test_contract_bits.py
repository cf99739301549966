"""Contract check 37 and the packed side of others: bit rows, and quantised search."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import oracle
from datasets import gaussian
from golden import TABLE
from sides import COMPILES, all_distinct, ours_only, same_bytes

_RARE = ours_only(COMPILES)
BITS = np.random.RandomState(3).randint(0, 256, (700, 12)).astype(np.uint8)
BIT_METRICS = ["bit_hamming", "bit_jaccard"]
ROWS = gaussian(2000, 24)
QUERIES = gaussian(60, 24, seed=2)
QUANTIZED = [(kind, metric) for kind, metrics in TABLE["quantized"].items() for metric in metrics]


# One bit of a column tells little of normal rows: PyNNDescent finds .37 of these, .07 with uint4.
LEAST_RECALL = {"binary": 0.85, "uint4": 0.95, "uint8": 0.95, "int8": 0.95}


def bit_distances(queries, rows, metric):
    """Brute force over unpacked bits."""
    a, b = (np.unpackbits(x, axis=1).astype(np.float64) for x in (queries, rows))
    both = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1) - both
    if metric == "bit_hamming":
        return either - both
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(either == 0, 0, -np.log(both / either))


@_RARE
@pytest.mark.parametrize("metric", BIT_METRICS)
def test_contract_11_graphs_of_packed_bits_are_those_of_the_bits(make_index, metric):
    index = make_index(BITS, metric, n_neighbors=10, random_state=1)
    true = bit_distances(BITS, BITS, metric)
    indices, distances = index.neighbor_graph
    assert index._raw_data.dtype == np.uint8
    np.testing.assert_array_equal(index._raw_data, BITS)
    np.testing.assert_array_equal(indices[:, 0], np.arange(700))
    assert all_distinct(indices)
    np.testing.assert_allclose(distances, np.take_along_axis(true, indices, 1), atol=1e-5)
    assert oracle.recall(distances, true, 10) >= 0.98


@_RARE
@pytest.mark.parametrize("metric", BIT_METRICS)
def test_contract_17_queries_of_packed_bits_find_their_nearest(make_index, metric):
    queries = BITS[:50] ^ (np.arange(12) == 5).astype(np.uint8)
    index = make_index(BITS, metric, n_neighbors=10, random_state=1)
    indices, distances = index.query(queries, k=8)
    true = bit_distances(queries, BITS, metric)
    np.testing.assert_allclose(distances, np.take_along_axis(true, indices, 1), atol=1e-5)
    assert oracle.recall(distances, true, 8) >= 0.95


@_RARE
def test_contract_24_packed_bits_are_appended_and_replaced(make_index):
    index = make_index(BITS[:600], "bit_hamming", n_neighbors=6, random_state=1)
    index.prepare()
    index.update(BITS[600:], BITS[600:602] ^ 1, [0, -1])
    assert index.query(BITS[600:603], k=1)[0].tolist() == [[600], [601], [602]]
    found = index.query(BITS[600:602] ^ 1, k=1)
    assert (found[0].tolist(), found[1].tolist()) == ([[0], [599]], [[0], [0]])


@ours_only("anything is cast to uint8")
@pytest.mark.parametrize("bad", [BITS + 0.5, BITS.astype(int) + 1, -BITS.astype(int) - 1])
def test_contract_03_rows_that_are_no_bytes_are_a_value_error_for_bit_metrics(index_class, bad):
    with pytest.raises(ValueError, match="0 to 255"):
        index_class(bad, "bit_hamming", n_neighbors=5)
    index = index_class(BITS, "bit_hamming", n_neighbors=5)
    with pytest.raises(ValueError, match="0 to 255"):
        index.query(bad, k=3)


@_RARE
def test_contract_06_whole_numbers_are_bytes_for_bit_metrics(index_class):
    expected = index_class(BITS, "bit_jaccard", n_neighbors=5).neighbor_graph
    for form in (BITS.astype(int), BITS.astype(np.float32), BITS.tolist(), np.asfortranarray(BITS)):
        assert same_bytes(index_class(form, "bit_jaccard", n_neighbors=5).neighbor_graph, expected)


def _kind_of_rows(metric):
    if metric in ("hamming", "jaccard"):
        return (ROWS > 0.3).astype(np.float32), (QUERIES > 0.3).astype(np.float32)
    return ROWS, QUERIES


@_RARE
@pytest.mark.parametrize(("quantization", "metric"), QUANTIZED)
def test_contract_37_quantised_search_hands_out_exact_distances(make_index, quantization, metric):
    rows, queries = _kind_of_rows(metric)
    plain, quantised = (
        make_index(rows, metric, n_neighbors=10, random_state=1, quantization=each)
        for each in (None, quantization)
    )
    assert quantised.quantization == quantization
    all_of_them = np.full((len(queries), len(rows)), np.inf)
    np.put_along_axis(all_of_them, *plain.query(queries, k=len(rows)), 1)
    indices, distances = quantised.query(queries, k=10, epsilon=0.2)
    np.testing.assert_allclose(
        distances, np.take_along_axis(all_of_them, indices, 1), rtol=1e-5, atol=1e-6
    )
    assert oracle.recall(distances, all_of_them, 10) >= LEAST_RECALL[quantization]
    graphs = [index.neighbor_graph[1] for index in (plain, quantised)]
    assert np.isclose(*graphs, rtol=1e-5, atol=1e-6).mean() >= 0.95


@pytest.mark.parametrize("quantization", TABLE["quantized"])
@ours_only("at prepare only")
def test_contract_37_quantization_for_another_metric_is_a_value_error_naming_it(
    index_class, quantization
):
    with pytest.raises(ValueError, match=rf"{quantization}.*'manhattan'"):
        index_class(ROWS, "manhattan", n_neighbors=5, quantization=quantization)


@ours_only("at prepare only")
@pytest.mark.parametrize("bad", ["float8", 8, ""])
def test_contract_37_an_unknown_quantization_is_a_value_error_naming_it(index_class, bad):
    with pytest.raises(ValueError, match=rf"uint8.*{bad!r}"):
        index_class(ROWS, "cosine", n_neighbors=5, quantization=bad)


@ours_only("compiles for more than a minute")
def test_contract_37_the_widths_of_quantised_search_are_checked(index_class):
    index = index_class(ROWS, "cosine", n_neighbors=15, random_state=1, quantization="int8")
    assert index.query(QUERIES, k=10, candidate_width=40, rerank_width=20)[0].shape == (60, 10)
    assert index.query(QUERIES, k=10, candidate_width=40, rerank_width=0)[0].shape == (60, 10)
    with pytest.raises(ValueError, match="candidate_width"):
        index.query(QUERIES, k=10, candidate_width=9)
    with pytest.raises(ValueError, match="rerank_width"):
        index.query(QUERIES, k=10, candidate_width=20, rerank_width=5)


@ours_only("ignored upstream")
def test_contract_37_quantization_of_sparse_rows_is_a_value_error(index_class):
    with pytest.raises(ValueError, match=r"quantization.*dense"):
        index_class(csr_matrix(ROWS), "cosine", n_neighbors=5, quantization="uint8")
