//! What is done with bytes that may be anything: loaded in every way, then searched. A crash is what a fuzzer looks for; an
//! error that is none of the file's is one too.

use super::{QUERY, deleted, dense, forge, made, sections};
use hnsw_core::{
    BitRows, Buffer, Check, Control, Error, Form, Index, Points, Result, Rows, Shelf, SparseRows, Verification,
};
use std::sync::Arc;

/// Wider rows than these are searched by nobody here: their queries take longer than all else.
const WIDEST: usize = 1 << 16;

/// Tries `data` as it is, and with its lengths and checksums put right.
pub fn try_all(data: &[u8]) {
    try_one(data);
    let mut bytes = data.to_vec();
    if bytes.len() >= 64 {
        let len = bytes.len() as u64;
        bytes[..12].copy_from_slice(b"HNSWBRDG\x02\0\0\0");
        bytes[16..24].copy_from_slice(&len.to_le_bytes());
        bytes[28..32].fill(0);
        let count = (sections(&bytes).len() as u32).min(64);
        bytes[12..16].copy_from_slice(&count.to_le_bytes());
        forge(&mut bytes);
        try_one(&bytes);
    }
}

fn try_one(data: &[u8]) {
    let found = Verification::of_bytes(data, Control::none()).unwrap();
    let restored = typed(Index::restore(data, 1, Control::none()));
    if let Some(index) = &restored {
        assert!(found.digest == Some(false) || found.problems.iter().all(|what| what.contains("reached")), "{found:?}");
        search(index);
    }
    for check in [Check::Now, Check::WhenUsed] {
        let mut buffer = Buffer::zeroed(data.len()).unwrap();
        buffer.as_mut_slice().copy_from_slice(data);
        let shelf: Arc<dyn Shelf> = Arc::new(buffer);
        let opened = typed(Index::open(shelf, 1, check, Control::none()));
        if check == Check::Now {
            assert_eq!(opened.is_some(), restored.is_some());
        }
        if let Some(index) = &opened {
            search(index);
            let _ = (index.stats(), index.plan(), index.verify(Control::none()).unwrap());
        }
    }
}

/// What came of it, unless it was refused as a file may be.
fn typed<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::CorruptFile { .. } | Error::UnsupportedVersion { .. } | Error::OutOfMemory { .. }) => None,
        Err(other) => panic!("{other:?} is no error of a file"),
    }
}

fn search(index: &Index) {
    if index.dim() > WIDEST {
        return;
    }
    let Some(found) = typed(index.query(queries(index), QUERY, Control::none())) else { return };
    assert!(found.indices.iter().all(|&id| id == -1 || index.contains(id as u32)), "an id that no row has");
}

fn queries(index: &Index) -> Points {
    let dim = index.dim();
    match index.form() {
        Form::Dense => Rows::from_slice(&vec![0.5; 2 * dim], dim).unwrap().into(),
        Form::Bits => BitRows::zeroed(2, dim).unwrap().into(),
        Form::Sparse => {
            let mut rows = SparseRows::with_capacity(1, dim, 1).unwrap();
            rows.push(&[1], &[dim as u32 / 2], &[1.0]).unwrap();
            rows.into()
        }
    }
}

/// Small sound files of every form, to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let all = super::KINDS.map(|(metric, make)| made(metric, make, 24).dump(true, Control::none()).unwrap());
    let others = [
        made("euclidean", dense, 24).dump(false, Control::none()).unwrap(),
        deleted("euclidean", dense, 24).dump(true, Control::none()).unwrap(),
    ];
    all.into_iter().chain(others).collect()
}
