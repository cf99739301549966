// hnswlib's epsilon search behind a C interface: an index over rows, then one query after another.
#include <hnswlib.h>

#include <cstdint>
#include <vector>

namespace {

struct Index {
    hnswlib::L2Space space;
    hnswlib::HierarchicalNSW<float> graph;

    Index(size_t rows, size_t dim, size_t m, size_t ef) : space(dim), graph(&space, rows, m, ef, 42) {}
};

// Rows a walk looks at before it may end: what hnswlib's own test of epsilon searches uses.
constexpr size_t LEAST_CANDIDATES = 100;

}  // namespace

extern "C" {

void* make(const float* rows, size_t count, size_t dim, size_t m, size_t ef) {
    auto* index = new Index(count, dim, m, ef);
    for (size_t i = 0; i < count; i++) index->graph.addPoint(rows + i * dim, i);
    return index;
}

void within(void* made, const float* queries, size_t count, size_t dim, float squared, size_t most, int32_t* counts) {
    auto* index = static_cast<Index*>(made);
    for (size_t i = 0; i < count; i++) {
        // `most` bounds what is kept; its own minimum must be below it.
        hnswlib::EpsilonSearchStopCondition<float> stop(
            squared, std::min(LEAST_CANDIDATES, most), std::max(LEAST_CANDIDATES, most));
        counts[i] = static_cast<int32_t>(index->graph.searchStopConditionClosest(queries + i * dim, stop).size());
    }
}
}
