//! Small indexes, folders of their own, and forgers who put every checksum right.
#![allow(dead_code, reason = "each test takes what it needs")]

pub mod fuzz;
pub mod liars;

use hnsw_core::{
    Algorithm, BitRows, Changes, Control, Error, Index, Metric, MetricParams, Options, Points, Query, Rows, SparseRows,
};
use hnsw_files::{Load, Verify, load};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub const QUERY: Query = Query { k: 5, ef: 40 };
pub const HEADER: usize = 64;
pub const ENTRY: usize = 32;

/// A folder that goes with its test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("hnsw-files-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn dense(n: usize, first: u32) -> Points {
    let values: Vec<f32> =
        (0..n as u32 * 9).map(|i| ((i + first).wrapping_mul(2_654_435_761) >> 8) as f32 / 1e6).collect();
    Rows::from_slice(&values, 9).unwrap().into()
}

/// Rows that bytes hold exactly.
pub fn whole(n: usize, first: u32) -> Points {
    let values: Vec<f32> = (0..n as u32 * 9).map(|i| ((i + first).wrapping_mul(2_654_435_761) >> 24) as f32).collect();
    Rows::from_slice(&values, 9).unwrap().into()
}

pub fn sparse(n: usize, first: u32) -> Points {
    let mut rows = SparseRows::with_capacity(n, 5000, 3 * n).unwrap();
    for i in first..first + n as u32 {
        rows.push(&[3], &[i % 50, 100 + i * 7 % 400, 4000 + i % 999], &[1.0, 0.5, 2.0]).unwrap();
    }
    rows.into()
}

pub fn bits(n: usize, first: u32) -> Points {
    let mut rows = BitRows::zeroed(n, 5).unwrap();
    let bytes: Vec<u8> = (0..n as u32 * 5).map(|i| ((i + first).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    rows.write(0, &bytes).unwrap();
    rows.into()
}

/// So many rows, from this one of an endless sequence on.
pub type Make = fn(usize, u32) -> Points;

pub const KINDS: [(&str, Make); 5] =
    [("euclidean", dense), ("sqeuclidean", whole), ("cosine", dense), ("cosine", sparse), ("bit_hamming", bits)];

pub fn index(metric: &str, rows: Points) -> Index {
    let metric = Metric::resolve(metric, MetricParams::default(), rows.dim()).unwrap();
    let options =
        Options { algorithm: Algorithm::Hnsw, caller: b"mine".to_vec(), n_neighbors: 4, m: 4, ..Options::new(metric) };
    Index::new(rows, options).unwrap()
}

/// An index of `n` rows with all that can be made of them.
pub fn made(metric: &str, make: Make, n: usize) -> Index {
    let index = index(metric, make(n, 0));
    index.prepare(Control::none()).unwrap();
    index.neighbor_graph(Control::none()).unwrap();
    index
}

/// An index of `n` rows whose ids have gaps, and whose next id is that of no row, with all that can be made of them.
pub fn deleted(metric: &str, make: Make, n: usize) -> Index {
    let index = made(metric, make, n);
    let changes = Changes { removed: vec![0, 7, 8], ..Changes::fresh(make(5, 900)) };
    index.update(changes, Control::none()).unwrap();
    let last = index.next_id() - 1;
    index.update(Changes { removed: vec![last - 1, last], ..Changes::default() }, Control::none()).unwrap();
    index.neighbor_graph(Control::none()).unwrap();
    index
}

pub const IN_MEMORY: Load = Load { mmap: false, verify: Verify::Sections, threads: 1 };
pub const MAPPED: Load = Load { mmap: true, verify: Verify::WhenUsed, threads: 1 };

pub fn every_way() -> Vec<Load> {
    let all = [Verify::WhenUsed, Verify::Sections, Verify::Full];
    [false, true].into_iter().flat_map(|mmap| all.map(|verify| Load { mmap, verify, threads: 1 })).collect()
}

/// Loads and uses all of whatever came of it; results must be ids of its rows.
pub fn use_all(path: &Path, how: Load, make: Make) -> Result<(), Error> {
    let index = load(path, how, Control::none())?;
    use_index(&index, Some(make))
}

/// Searches, neighbours, statistics and an update of an index that may have been made of anything.
pub fn use_index(index: &Index, make: Option<Make>) -> Result<(), Error> {
    let rows = match make {
        Some(make) if make(1, 0).dim() == index.dim() && make(1, 0).form() == index.form() => make,
        _ => return Ok(()),
    };
    let found = index.query(rows(2, 50), QUERY, Control::none())?;
    assert!(found.indices.iter().all(|&id| id == -1 || index.contains(id as u32)), "an id that no row has");
    index.neighbor_graph(Control::none())?;
    let _ = (index.stats(), index.plan());
    index.update(Changes::fresh(rows(1, 7)), Control::none())?;
    Ok(())
}

/// Sections as the table of a container has them: entry, kind, offset, length.
pub fn sections(bytes: &[u8]) -> Vec<(usize, u32, usize, usize)> {
    let count = number(bytes, 12, 4).min(bytes.len().saturating_sub(HEADER) / ENTRY);
    let entries = (0..count).map(|i| HEADER + ENTRY * i);
    entries.map(|at| (at, number(bytes, at, 4) as u32, number(bytes, at + 8, 8), number(bytes, at + 16, 8))).collect()
}

pub fn number(bytes: &[u8], at: usize, len: usize) -> usize {
    bytes[at..at + len].iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte))
}

/// Puts the checksums of header, table and sections right, wherever they can be.
pub fn forge(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    for (at, _, offset, len) in sections(bytes) {
        if let Some(section) = offset.checked_add(len).and_then(|end| bytes.get(offset..end)).filter(|_| offset > 0) {
            let checksum = crc32fast::hash(section);
            bytes[at + 4..at + 8].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    forge_header(bytes);
}

/// Puts the checksum of header and table right.
pub fn forge_header(bytes: &mut [u8]) {
    let end = HEADER + ENTRY * sections(bytes).len();
    let checksum = crc32fast::hash(&[&bytes[..24], &bytes[32..end]].concat());
    bytes[24..28].copy_from_slice(&checksum.to_le_bytes());
}

/// `bytes` with a change of the section of that kind, and right checksums.
pub fn forged(bytes: &[u8], kind: u32, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (_, _, offset, len) in sections(bytes).into_iter().filter(|&(_, seen, ..)| seen == kind) {
        change(&mut out[offset..offset + len]);
    }
    forge(&mut out);
    out
}
