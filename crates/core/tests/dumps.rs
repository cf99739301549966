//! Indexes as bytes and back, and bytes that are no index.

use hnsw_core::{
    Algorithm, BitRows, Changes, Control, Error, Index, Metric, MetricParams, Options, Points, Query, Rows, SparseRows,
};
use proptest::prelude::*;

const QUERY: Query = Query { k: 5, ef: 40 };

fn options(name: &str, params: MetricParams, dim: usize, algorithm: Algorithm) -> Options {
    Options {
        algorithm,
        caller: b"mine".to_vec(),
        n_neighbors: 6,
        m: 5,
        ..Options::new(Metric::resolve(name, params, dim).unwrap())
    }
}

fn dense(n: usize, first: u32) -> Points {
    let values: Vec<f32> =
        (0..n as u32 * 9).map(|i| ((i + first).wrapping_mul(2_654_435_761) >> 8) as f32 / 1e6).collect();
    Rows::from_slice(&values, 9).unwrap().into()
}

fn sparse(n: usize, first: u32) -> Points {
    let mut rows = SparseRows::with_capacity(n, 5000, 3 * n).unwrap();
    for i in first..first + n as u32 {
        let columns = [i % 50, 100 + i * 7 % 400, 4000 + i % 999];
        rows.push(
            if i % 40 == 3 { &[0] } else { &[3] },
            if i % 40 == 3 { &[] } else { &columns },
            if i % 40 == 3 { &[] } else { &[1.0, 0.5, 2.0] },
        )
        .unwrap();
    }
    rows.into()
}

/// So many rows, from this one of an endless sequence on.
type Make = fn(usize, u32) -> Points;

fn indexes() -> Vec<(Index, Make)> {
    let plain = MetricParams::default;
    let of = |make: Make, options: Options| (Index::new(make(300, 0), options).unwrap(), make);
    vec![
        of(dense, options("euclidean", plain(), 9, Algorithm::Hnsw)),
        of(dense, options("cosine", plain(), 9, Algorithm::Exact)),
        of(dense, options("minkowski", MetricParams { p: Some(3.0), ..plain() }, 9, Algorithm::Hnsw)),
        of(sparse, options("cosine", plain(), 5000, Algorithm::Hnsw)),
    ]
}

#[test]
fn a_restored_index_answers_bit_for_bit_and_makes_nothing_anew() {
    for (index, make) in indexes() {
        for prepared in [false, true] {
            if prepared {
                index.prepare(Control::none()).unwrap();
                index
                    .update(
                        Changes { fresh: Some(make(20, 900)), ..Changes::replaced(vec![4], make(1, 700)) },
                        Control::none(),
                    )
                    .unwrap();
                index.neighbor_graph(Control::none()).unwrap();
            }
            let again = Index::restore(&index.dump(true, Control::none()).unwrap(), 1, Control::none()).unwrap();
            assert_eq!(again.options().caller, b"mine");
            let (before, after) = (index.stats(), again.stats());
            assert_eq!(
                (after.rows, after.graph_ready, after.search_ready),
                (before.rows, before.graph_ready, before.search_ready)
            );
            assert_eq!(
                again.query(make(30, 50), QUERY, Control::none()),
                index.query(make(30, 50), QUERY, Control::none())
            );
            assert_eq!(again.neighbor_graph(Control::none()), index.neighbor_graph(Control::none()));
            if prepared {
                assert_eq!((again.stats().graph_builds, again.stats().search_builds), (0, 0));
            }
            again.update(Changes::fresh(make(3, 5000)), Control::none()).unwrap();
            assert_eq!(again.len(), before.rows + 3);
        }
    }
}

#[test]
fn rows_that_became_copies_of_others_leave_no_gaps_in_a_dump() {
    let (index, make) = indexes().swap_remove(0);
    index.prepare(Control::none()).unwrap();
    // Later copies are on level 0 alone, whatever level the rows in their places were on.
    let levels = index.stats().level_rows;
    index.update(Changes::replaced((200..300).collect(), make(100, 0)), Control::none()).unwrap();
    assert!(index.stats().level_rows[1] < levels[1]);
    let again = Index::restore(&index.dump(true, Control::none()).unwrap(), 1, Control::none()).unwrap();
    assert_eq!(again.stats().level_rows, index.stats().level_rows);
    let asked = |index: &Index| index.query(make(50, 9 * 120), QUERY, Control::none()).unwrap();
    assert_eq!(asked(&index), asked(&again));
}

#[test]
fn packed_bits_are_dumped_too() {
    let rows = |first: u8| {
        let mut rows = BitRows::zeroed(200, 3).unwrap();
        rows.write(0, &(0..600).map(|i| (i as u8).wrapping_mul(37) ^ first).collect::<Vec<u8>>()).unwrap();
        rows
    };
    let Ok(metric) = Metric::resolve("bit_hamming", MetricParams::default(), 3) else { panic!("no bit metrics") };
    let index = Index::new(rows(0), Options { algorithm: Algorithm::Hnsw, ..Options::new(metric) }).unwrap();
    let found = index.query(rows(9), QUERY, Control::none()).unwrap();
    let again = Index::restore(&index.dump(true, Control::none()).unwrap(), 2, Control::none()).unwrap();
    assert_eq!(again.query(rows(9), QUERY, Control::none()).unwrap(), found);
}

#[test]
fn products_are_attached_to_the_same_rows_and_options_and_to_no_others() {
    let make = || Index::new(dense(300, 0), options("cosine", MetricParams::default(), 9, Algorithm::Hnsw)).unwrap();
    let index = make();
    index.prepare(Control::none()).unwrap();
    let graph = index.neighbor_graph(Control::none()).unwrap();
    let bytes = index.dump(false, Control::none()).unwrap();
    assert!(bytes.len() < index.dump(true, Control::none()).unwrap().len() - 300 * 9 * 4);

    let same = make();
    same.attach(&bytes, Control::none()).unwrap();
    assert_eq!(same.neighbor_graph(Control::none()).unwrap(), graph);
    assert_eq!(same.query(dense(9, 4), QUERY, Control::none()), index.query(dense(9, 4), QUERY, Control::none()));
    assert_eq!((same.stats().graph_builds, same.stats().search_builds), (0, 0));

    let others = [
        (dense(300, 1), options("cosine", MetricParams::default(), 9, Algorithm::Hnsw)),
        (dense(300, 0), options("euclidean", MetricParams::default(), 9, Algorithm::Hnsw)),
        (dense(300, 0), Options { seed: 7, ..options("cosine", MetricParams::default(), 9, Algorithm::Hnsw) }),
    ];
    for (rows, options) in others {
        let other = Index::new(rows, options).unwrap();
        assert_eq!(other.attach(&bytes, Control::none()).unwrap_err().code(), "ERR_INVALID_ARGUMENT");
        assert!(!other.stats().graph_ready);
    }
    assert_eq!(Index::restore(&bytes, 1, Control::none()).err().map(|e| e.code()), Some("ERR_CORRUPT_FILE"));
}

/// A dump whose checksums are right and whose content is not: what only the checks of meaning can find.
fn forged(bytes: &[u8], section: u32, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let count = u32::from_le_bytes(out[12..16].try_into().unwrap()) as usize;
    for entry in (0..count).map(|i| 64 + 32 * i) {
        let number = |at: usize, out: &[u8]| u64::from_le_bytes(out[at..at + 8].try_into().unwrap()) as usize;
        if u32::from_le_bytes(out[entry..entry + 4].try_into().unwrap()) == section {
            let (start, len) = (number(entry + 8, &out), number(entry + 16, &out));
            change(&mut out[start..start + len]);
            let checksum = crc32fast::hash(&out[start..start + len]);
            out[entry + 4..entry + 8].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    let header = [&out[..24], &out[32..64 + 32 * count]].concat();
    out[24..28].copy_from_slice(&crc32fast::hash(&header).to_le_bytes());
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn forged_dumps_are_refused_or_answer_without_a_crash(
        which in 0..4usize,
        section in 1..13u32,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (index, make) = indexes().swap_remove(which);
        index.prepare(Control::none()).unwrap();
        index.neighbor_graph(Control::none()).unwrap();
        let bytes = forged(&index.dump(true, Control::none()).unwrap(), section, |content| {
            if !content.is_empty() {
                places.iter().for_each(|(place, value)| content[place.index(content.len())] = *value);
            }
        });
        match Index::restore(&bytes, 2, Control::none()) {
            Ok(other) => {
                let found = other.query(make(4, 3), QUERY, Control::none());
                prop_assert!(found.is_err() || found.unwrap().indices.iter().all(|&id| (id as usize) < other.len() || id == -1));
                let _ = other.neighbor_graph(Control::none()).unwrap();
                let _ = (other.stats(), other.plan());
            }
            Err(error) => prop_assert!(matches!(error, Error::CorruptFile { .. } | Error::OutOfMemory { .. }), "{error}"),
        }
    }
}
