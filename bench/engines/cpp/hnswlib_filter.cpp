// hnswlib's filtered search behind a C interface: an index over rows, then one query after another.
#include <hnswlib.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

struct Index {
    hnswlib::L2Space space;
    hnswlib::HierarchicalNSW<float> graph;

    Index(size_t rows, size_t dim, size_t m, size_t ef) : space(dim), graph(&space, rows, m, ef, 42) {}
};

// Row i may be returned if bit i % 8 of byte i / 8 is set.
struct Bits : hnswlib::BaseFilterFunctor {
    const uint8_t* bits;

    explicit Bits(const uint8_t* bits) : bits(bits) {}

    bool operator()(hnswlib::labeltype row) override { return bits[row >> 3] >> (row & 7) & 1; }
};

}  // namespace

extern "C" {

void* make(const float* rows, size_t count, size_t dim, size_t m, size_t ef, size_t threads) {
    auto* index = new Index(count, dim, m, ef);
    // The first row alone: the others need something to be linked to.
    if (count > 0) index->graph.addPoint(rows, 0);
    std::atomic<size_t> next{1};
    std::vector<std::thread> workers;
    for (size_t t = 0; t < threads; t++) {
        workers.emplace_back([&] {
            for (size_t i; (i = next++) < count;) index->graph.addPoint(rows + i * dim, i);
        });
    }
    for (auto& worker : workers) worker.join();
    return index;
}

// `indices` has k places a query; those without a row become -1.
void filtered(void* made, const float* queries, size_t count, size_t dim, size_t k, size_t ef, const uint8_t* bits,
              int32_t* indices) {
    auto* index = static_cast<Index*>(made);
    index->graph.setEf(ef);
    Bits allowed(bits);
    std::fill(indices, indices + count * k, -1);
    for (size_t i = 0; i < count; i++) {
        auto found = index->graph.searchKnn(queries + i * dim, k, &allowed);
        // The farthest comes first.
        for (size_t place = found.size(); place-- > 0; found.pop()) {
            indices[i * k + place] = static_cast<int32_t>(found.top().second);
        }
    }
}
}
